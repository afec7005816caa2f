"""The step language, case by case: tests/cases/pipeline says what goes in, what is called and what comes out.

`called` are values by step, in any order where steps run side by side. `mocks` answer by step; `{error: CODE}` fails.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.errors import run_error
from reconciler.pipeline.context import NOT_MOCKED
from tests.unit.pipeline.scripted import World, told

FOLDER = Path(__file__).parents[2] / "cases" / "pipeline"
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted(FOLDER.glob("*.yaml"))
    for case in yaml.safe_load(path.read_text())
]


@pytest.mark.parametrize("case", CASES)
def test_a_pipeline_does_what_its_steps_say(case: Mapping[str, Any]) -> None:
    world = World(case["type"], case.get("agents"))
    mock = _mock(case["mocks"]) if "mocks" in case else None
    result = world.run(case.get("input"), case.get("settings"), world.context(mock=mock))

    expected = case["expect"]
    failure = result.failure
    said = None if failure is None else f"{failure.code} {failure.where}".strip()
    assert said == expected.get("failure"), failure
    if expected.get("output") != "*":
        assert result.output == expected.get("output")
    if "trace" in expected:
        assert told(result.trace) == expected["trace"]
    if "called" in expected:
        assert _called(world) == expected["called"]
    if "rows" in expected:
        assert [dict(write.values) for write in result.writes] == expected["rows"]
    if "output_row" in expected:
        assert result.output_row == expected["output_row"]
    for name in ("message", "hint"):
        if name in expected:
            assert failure is not None
            assert getattr(failure, name) == expected[name]


def _called(world: World) -> dict[str, Any]:
    called: defaultdict[str, list[Any]] = defaultdict(list)
    for step, value in (*world.say.calls, *world.dawdle.calls):
        called[step].append(value)
    return {step: values[0] if len(values) == 1 else values for step, values in called.items()}


def _mock(mocks: Mapping[str, Any]) -> Any:
    def answer(step: str, params: Mapping[str, Any] | None) -> Any:
        mock = mocks.get(step, NOT_MOCKED)
        if isinstance(mock, dict) and mock.keys() == {"error"}:
            raise run_error(mock["error"], "the test says so")
        return mock

    return answer

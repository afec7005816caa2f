"""What a test expects, against what came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.spec.agent_type import AgentType, Expectation
from reconciler.spec.fields import FieldSpec
from reconciler.spec.normal import normal
from reconciler.spec.steps import Step
from reconciler.spec.task import Failure
from reconciler.tools.declarations.tables import SYSTEM_FIELD_SPECS


@dataclass(frozen=True, slots=True)
class Difference:
    """`at` is a path into the test's `expect` (`output/category`, `rows/analysis`, `called`, `error`), or `mocks/STEP`
    where one is missing. `message` says it whole."""

    at: str
    expected: Any
    got: Any
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one test. `rows`: number by model; `called`: ids of the steps that called something."""

    output: Mapping[str, Any] | None
    rows: Mapping[str, int]
    called: frozenset[str]
    failure: Failure | None


def differences(agent_type: AgentType, expected: Expectation, got: Outcome) -> Iterator[Difference]:
    """Everything that was expected and did not come; what nobody spoke of may be as it likes."""
    ended_otherwise = _error(expected.error, got.failure)
    if ended_otherwise is not None:
        yield ended_otherwise
    # Of a task that failed unexpectedly, its missing output and rows would say the same once more.
    if ended_otherwise is None or got.failure is None:
        yield from _output(agent_type, expected.output or {}, got.output or {})
        yield from _rows(expected.rows or {}, got.rows)
    if expected.called is not None:
        yield from _called(agent_type.spec.pipeline, expected.called, got.called)


def _error(expected: str | None, failure: Failure | None) -> Difference | None:
    if failure is None:
        if expected is None:
            return None
        return Difference("error", expected, None, f"expected to fail with {expected}, but it succeeded")
    if failure.code == expected:
        return None
    place = f" at {failure.where}" if failure.where else ""
    hint = f" ({failure.hint})" if failure.hint else ""
    wanted = f"expected {expected}, but" if expected else "expected to succeed, but"
    message = f"{wanted} it failed with {failure.code}{place}: {failure.message}{hint}"
    return Difference("error", expected, failure.code, message)


def _output(
    agent_type: AgentType, expected: Mapping[str, Any], got: Mapping[str, Any]
) -> Iterator[Difference]:
    fields = _output_fields(agent_type)
    for name, value in expected.items():
        field = fields.get(name)
        wanted = value if field is None else normal(value, field)
        if not _same(wanted, got.get(name)):
            message = f"output.{name}: expected {_told(value)}, got {_told(got.get(name))}"
            yield Difference(f"output/{name}", value, got.get(name), message)


def _output_fields(agent_type: AgentType) -> Mapping[str, FieldSpec]:
    output = agent_type.spec.output
    if output is None or output.model is None:
        return (output.fields if output else None) or {}
    return {**agent_type.spec.models[output.model].fields, **SYSTEM_FIELD_SPECS}


def _rows(expected: Mapping[str, int], got: Mapping[str, int]) -> Iterator[Difference]:
    for model, count in expected.items():
        found = got.get(model, 0)
        if found != count:
            yield Difference(f"rows/{model}", count, found, f"rows of {model}: expected {count}, got {found}")


def _called(steps: Sequence[Step], expected: Sequence[str], got: frozenset[str]) -> Iterator[Difference]:
    """Steps run in the order of the pipeline; those side by side in a `parallel` may be told in any."""
    places = dict(_places(steps))
    told = {step: number for number, step in enumerate(expected)}
    declared = [step for step in places if step in got]
    in_order = sorted(declared, key=lambda step: (places[step], told.get(step, len(told))))
    if [*expected] != in_order:
        message = (
            f"called: expected {', '.join(expected) or 'nothing'}; got {', '.join(in_order) or 'nothing'}"
        )
        yield Difference("called", [*expected], in_order, message)


def _places(steps: Sequence[Step], within: tuple[int, ...] = ()) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Where each step stands in the order; all inside a `parallel` stand where it stands."""
    for number, step in enumerate(steps):
        place = within or (number,)
        yield step.id, place
        yield from _places(step.parallel or (), place)


def _same(expected: Any, got: Any) -> bool:
    """As JSON tells values apart: true is not 1."""
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    return bool(expected == got)


def _told(value: Any) -> str:
    told = "nothing" if value is None else repr(value) if isinstance(value, str) else str(value)
    return told if len(told) <= 200 else f"{told[:200]}…"

"""Answers that stand in for the calls of steps, and the calls that have none and need one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.errors import Denied, run_error
from reconciler.pipeline.context import NOT_MOCKED
from reconciler.spec.steps import Step, flat
from reconciler.tools.base import Capability, EffectClass
from reconciler.tools.registry import ToolRegistry

ERROR_KEY = "error"
"""A mock `{error: timeout}` stands for a call that fails with that code."""

_OUTSIDE = frozenset({Capability.LANGUAGE_MODEL, Capability.NETWORK, Capability.MAIL})


class Mocks:
    """Of one test. `missing` are the steps that wanted to reach outside and had no mock, in the order they came."""

    def __init__(self, steps: Sequence[Step], mocks: Mapping[str, Any], registry: ToolRegistry) -> None:
        self._tools = {step.id: step.tool for step in flat(steps) if step.tool is not None}
        self._loops = frozenset(step.id for step in flat(steps) if step.for_each is not None)
        self._mocks, self._registry = mocks, registry
        self.missing: list[str] = []

    def __call__(self, step: str, params: Mapping[str, Any] | None) -> Any:
        """The mocked result, or NOT_MOCKED where the tool may be called for real. Raises the RunError that the mock
        stands for; Denied where the call would reach outside."""
        name, _, passes = step.partition("[")
        if name in self._mocks:
            return self._answer(name, int(passes.rstrip("]").rpartition("[")[2]) if passes else None)
        tool = self._tools.get(name)  # none for steps of another agent: their doors are watched
        if tool is not None and self._reaches_outside(tool):
            self.missing.append(name)
            raise Denied(f"it calls `{tool}`, which reaches outside, and has no mock", where=step)
        return NOT_MOCKED

    def _answer(self, name: str, number: int | None) -> Any:
        mock = self._mocks[name]
        if isinstance(mock, list) and name in self._loops and number is not None:
            mock = mock[number] if number < len(mock) else None
        if isinstance(mock, Mapping) and mock.keys() == {ERROR_KEY} and isinstance(mock[ERROR_KEY], str):
            raise run_error(mock[ERROR_KEY], "the test says so", where=name)
        return mock

    def _reaches_outside(self, tool: str) -> bool:
        declaration = self._registry.get(tool)
        return declaration is not None and (
            declaration.effect is EffectClass.EXTERNAL or bool(_OUTSIDE & declaration.capabilities)
        )

"""The manifest's own tests: inputs that are valid, mocks of existing steps, expectations that can be met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from reconciler.expressions.scope import Shape
from reconciler.manifests.checks.pipeline import Walk
from reconciler.manifests.checks.values import FITS
from reconciler.spec.agent_type import AgentType, Expectation, ManifestTest
from reconciler.spec.fields import FieldSpec, FieldType
from reconciler.spec.findings import Finding, Path, did_you_mean
from reconciler.spec.literals import check_given, check_known, check_literal
from reconciler.spec.steps import RetryOn
from reconciler.tools.declarations.tables import SYSTEM_FIELD_SPECS

ERROR_KEY = "error"
"""A mock `{error: timeout}` stands for a call that fails with that code."""


def check_tests(agent_type: AgentType, walk: Walk) -> Iterator[Finding]:
    names: set[str] = set()
    for index, test in enumerate(agent_type.spec.tests):
        path: Path = ("spec", "tests", index)
        if test.name in names:
            yield Finding("test-repeats", "another test has the same name", (*path, "name"))
        names.add(test.name)
        if test.expect.error is None:
            # A test that expects an error may well be about an input that is refused.
            yield from check_given(test.input, agent_type.spec.input, (*path, "input"), "input")
        yield from check_known(test.settings, agent_type.spec.settings, (*path, "settings"), "setting")
        yield from _check_mocks(test, walk, (*path, "mocks"))
        yield from _check_expectation(agent_type, test.expect, walk, (*path, "expect"))


def _check_mocks(test: ManifestTest, walk: Walk, path: Path) -> Iterator[Finding]:
    for name, mock in test.mocks.items():
        step, where = walk.steps.get(name), (*path, name)
        if step is None:
            yield Finding(
                "unknown-step",
                f"there is no step `{name}`",
                where,
                did_you_mean(name, walk.steps),
                at_key=True,
            )
        elif step.parallel is not None:
            hint = "mock the steps inside it"
            yield Finding("mock-of-parallel", f"`{name}` only groups other steps", where, hint, at_key=True)
        elif step.for_each is not None and isinstance(mock, list):
            for index, item in enumerate(mock):
                yield from _check_mock(item, walk.call_results[name], (*where, index))
        else:
            yield from _check_mock(mock, walk.call_results[name], where)


def _check_mock(mock: Any, result: Shape, path: Path) -> Iterator[Finding]:
    if isinstance(mock, dict) and mock.keys() == {ERROR_KEY} and ERROR_KEY not in (result.fields or {}):
        yield from _check_error(mock[ERROR_KEY], (*path, ERROR_KEY))
        return
    if result.fields is None:
        return
    if not isinstance(mock, dict):
        yield Finding("value-type", "a mock of this step is an object with the fields of its result", path)
        return
    for name, value in mock.items():
        shape = result.fields.get(name)
        if shape is None:
            hint = did_you_mean(name, result.fields)
            yield Finding(
                "unknown-field", f"the step's result has no `{name}`", (*path, name), hint, at_key=True
            )
        else:
            yield from _check_mocked(value, shape, (*path, name))


def _check_mocked(value: Any, shape: Shape, path: Path) -> Iterator[Finding]:
    """A mocked value against the shape of the real one; null stands for a field that is missing."""
    if value is None or shape.type not in FITS:
        return
    if shape.values is not None and not (isinstance(value, str) and value in shape.values):
        hint = did_you_mean(str(value), shape.values)
        yield Finding("value-not-allowed", "the step never gives this value", path, hint)
    elif shape.type != FieldType.ENUM:
        yield from check_literal(value, _plain_field(shape.type), path)


@cache
def _plain_field(kind: str) -> FieldSpec:
    """Any value of a type but enum, without bounds."""
    return FieldSpec(type=FieldType(kind), model="any" if kind == FieldType.REFERENCE else None)


def _check_error(code: Any, path: Path) -> Iterator[Finding]:
    codes = [error.value for error in RetryOn]
    if code not in codes:
        yield Finding(
            "value-not-allowed", "no step fails with this code", path, did_you_mean(str(code), codes)
        )


def _check_expectation(
    agent_type: AgentType, expect: Expectation, walk: Walk, path: Path
) -> Iterator[Finding]:
    for index, name in enumerate(expect.called or ()):
        if name not in walk.steps:
            hint = did_you_mean(name, walk.steps)
            yield Finding("unknown-step", f"there is no step `{name}`", (*path, "called", index), hint)
    for name, count in (expect.rows or {}).items():
        where = (*path, "rows", name)
        if name not in agent_type.spec.models:
            hint = did_you_mean(name, agent_type.spec.models)
            yield Finding("unknown-model", f"the type has no model `{name}`", where, hint, at_key=True)
        elif count < 0:
            yield Finding("value-range", "a number of rows is at least 0", where)
    if expect.output is not None:
        yield from _check_expected_output(agent_type, expect.output, (*path, "output"))


def _check_expected_output(
    agent_type: AgentType, expected: Mapping[str, Any], path: Path
) -> Iterator[Finding]:
    output = agent_type.spec.output
    if output is None:
        yield Finding("output-not-declared", "the type has no `output` to compare with", path)
        return
    fields: Mapping[str, FieldSpec] = output.fields or {}
    if output.model is not None:
        model = agent_type.spec.models.get(output.model)
        if model is None:
            return
        fields = {**model.fields, **SYSTEM_FIELD_SPECS}
    for name, value in expected.items():
        field = fields.get(name)
        if field is None:
            hint = did_you_mean(name, fields)
            yield Finding(
                "unknown-field", f"the output has no field `{name}`", (*path, name), hint, at_key=True
            )
        elif value is not None:
            yield from check_literal(value, field, (*path, name))

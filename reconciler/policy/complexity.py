"""How large a type is, in the measures that policies bound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from reconciler.spec.agent_type import AgentType, ModelSpec
from reconciler.spec.fields import FieldSpec
from reconciler.spec.findings import Path
from reconciler.spec.steps import Step

Measure = Literal["fields", "models", "steps", "nesting", "enum_values", "text_bytes", "indexes"]
Measured = tuple[Measure, int, Path]

_TEXTS = ("title", "description", "owner")
_WIDEST = 4
"""Bytes of one character at most."""


def excesses(agent_type: AgentType, most: Mapping[Measure, int]) -> Iterator[Measured]:
    """Everything that is more than it may be, each with its place. Texts are measured in bytes of UTF-8."""
    for measured in _sizes(agent_type):
        if measured[1] > most[measured[0]]:
            yield measured
    longest, deepest = most["text_bytes"], most["nesting"]
    for value, path in _values(agent_type):
        # Nearly every value is small: only of the others every text is looked at with its place.
        if value and not _fits(value, longest, deepest):
            yield from (measured for measured in _of_value(value, path) if measured[1] > most[measured[0]])


def _sizes(agent_type: AgentType) -> Iterator[Measured]:
    spec = agent_type.spec
    yield "models", len(spec.models), ("spec", "models")
    for section, fields in (("settings", spec.settings), ("input", spec.input)):
        yield "fields", len(fields), ("spec", section)
        yield from _of_fields(fields, ("spec", section))
    for name, model in spec.models.items():
        yield from _of_model(model, ("spec", "models", name))
    if spec.output is not None and spec.output.fields is not None:
        yield "fields", len(spec.output.fields), ("spec", "output", "fields")
        yield from _of_fields(spec.output.fields, ("spec", "output", "fields"))
    yield "steps", _count(spec.pipeline), ("spec", "pipeline")
    for _, path, depth in _steps(spec.pipeline, ("spec", "pipeline"), 1):
        yield "nesting", depth, path


def _of_model(model: ModelSpec, path: Path) -> Iterator[Measured]:
    yield "fields", len(model.fields), (*path, "fields")
    single = sum(1 for field in model.fields.values() if field.index or field.unique or field.model)
    yield "indexes", single + len(model.indexes) + len(model.unique), path
    yield from _of_fields(model.fields, (*path, "fields"))


def _of_fields(fields: Mapping[str, FieldSpec], path: Path) -> Iterator[Measured]:
    for name, field in fields.items():
        if field.values is not None:
            yield "enum_values", len(field.values), (*path, name, "values")
        if field.items is not None and field.items.values is not None:
            yield "enum_values", len(field.items.values), (*path, name, "items", "values")


def _count(steps: list[Step]) -> int:
    return len(steps) + sum(_count(step.parallel) for step in steps if step.parallel)


def _steps(steps: list[Step], path: Path, depth: int) -> Iterator[tuple[Step, Path, int]]:
    for index, step in enumerate(steps):
        yield step, (*path, index), depth
        if step.parallel is not None:
            yield from _steps(step.parallel, (*path, index, "parallel"), depth + 1)


def _values(agent_type: AgentType) -> Iterator[tuple[Any, Path]]:
    """Everything in which authors are free: texts, and values that hold texts."""
    spec = agent_type.spec
    for name in _TEXTS:
        yield getattr(spec, name), ("spec", name)
    if spec.deprecated is not None:
        yield spec.deprecated.message, ("spec", "deprecated")
    yield from _values_of_fields(spec.settings, ("spec", "settings"))
    yield from _values_of_fields(spec.input, ("spec", "input"))
    for name, model in spec.models.items():
        yield model.description, ("spec", "models", name, "description")
        yield from _values_of_fields(model.fields, ("spec", "models", name, "fields"))
    if spec.output is not None and spec.output.fields is not None:
        yield from _values_of_fields(spec.output.fields, ("spec", "output", "fields"))
    for step, path, _ in _steps(spec.pipeline, ("spec", "pipeline"), 1):
        yield step.with_, (*path, "with")
        yield step.input, (*path, "input")
        yield step.when, (*path, "when")
        yield step.for_each, (*path, "for_each")
        if step.fallback is not None:
            yield step.fallback.with_, (*path, "fallback", "with")
    for index, test in enumerate(spec.tests):
        for part in ("input", "settings", "mocks"):
            yield getattr(test, part), ("spec", "tests", index, part)
        yield test.expect.output, ("spec", "tests", index, "expect", "output")


def _values_of_fields(fields: Mapping[str, FieldSpec], path: Path) -> Iterator[tuple[Any, Path]]:
    for name, field in fields.items():
        for attribute in ("description", "default"):
            value = getattr(field, attribute)
            if value is not None:
                yield value, (*path, name, attribute)


def _fits(value: Any, longest: int, deepest: int) -> bool:
    """Whether no text in a value is too long, and it does not nest too deep: see `_of_value`."""
    depth, members = 0, [value]
    while members:
        holders: list[Any] = []
        for member in members:
            if isinstance(member, str):
                if len(member) * _WIDEST > longest and _bytes(member) > longest:
                    return False
            elif isinstance(member, (dict, list)):
                holders.append(member)
        if holders and depth >= deepest:
            return False
        depth += 1
        members = [m for holder in holders for m in (holder.values() if isinstance(holder, dict) else holder)]
    return True


def _of_value(value: Any, path: Path) -> Iterator[Measured]:
    """Texts inside a free value, and how deep it nests: a text is 0 deep, a list of texts 1."""
    if isinstance(value, str):
        yield "text_bytes", _bytes(value), path
        return
    if not isinstance(value, (dict, list)) or not value:
        return
    depth = 0
    pending: list[tuple[Any, Path, int]] = [(value, path, 1)]
    while pending:
        holder, where, level = pending.pop()
        depth = max(depth, level)
        for key, item in holder.items() if isinstance(holder, dict) else enumerate(holder):
            if isinstance(item, str):
                yield "text_bytes", _bytes(item), (*where, key)
            elif isinstance(item, (dict, list)):
                pending.append((item, (*where, key), level + 1))
    yield "nesting", depth, path


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())

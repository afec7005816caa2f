"""How far a change of a type moves its contract, and how far its version has to move with it.

Removing, renaming, narrowing or newly requiring an input, output, setting or model field is *major*; adding
an optional one, a model, an index, a step or a grant is *minor*; prompts, retries and texts are *patch*.
Before 1.0.0 each level asks for one place less, as semver leaves it open there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from reconciler.spec.agent_type import AgentType, ModelSpec, semver_key
from reconciler.spec.fields import FieldSpec, FieldType
from reconciler.spec.steps import Step


class Level(IntEnum):
    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3


@dataclass(frozen=True, slots=True)
class Move:
    """One reason for a level, such as `input.subject was removed`."""

    level: Level
    reason: str


def moves(before: AgentType, after: AgentType) -> list[Move]:
    """All moves of the contract, gravest first."""
    found = list(_moves(before, after))
    if not found and before.spec != after.spec:
        alike = before.spec.model_copy(update={"version": after.spec.version}) == after.spec
        reason = "nothing but the version changed" if alike else "texts, limits or tests changed"
        found = [Move(Level.PATCH, reason)]
    return sorted(found, key=lambda move: -move.level)


def required_version(before: str, level: Level) -> str:
    """The smallest version that is far enough from `before`.

    (`1.2.3`, MINOR) -> `1.3.0`, (`0.2.3`, MAJOR) -> `0.3.0`.
    """
    major, minor, patch = semver_key(before)
    if major == 0:
        level = Level(max(level - 1, Level.PATCH)) if level else level
    match level:
        case Level.MAJOR:
            return f"{major + 1}.0.0"
        case Level.MINOR:
            return f"{major}.{minor + 1}.0"
        case Level.PATCH:
            return f"{major}.{minor}.{patch + 1}"
        case Level.NONE:
            return before


def _moves(before: AgentType, after: AgentType) -> Iterator[Move]:
    old, new = before.spec, after.spec
    yield from _fields("input", old.input, new.input)
    yield from _fields("settings", old.settings, new.settings)
    was, now = (spec.output.fields if spec.output else None for spec in (old, new))
    if was is not None and now is not None:
        yield from _fields("output", was, now)
    elif old.output != new.output:
        yield Move(Level.MAJOR if old.output else Level.MINOR, "the output is another one")
    yield from _models(old.models, new.models)
    for name in sorted(set(new.secrets) - set(old.secrets)):
        yield Move(Level.MAJOR, f"secret {name} is newly required")
    for name in sorted(set(old.secrets) - set(new.secrets)):
        yield Move(Level.MINOR, f"secret {name} is no longer asked for")
    if {g.name for g in new.tools} != {g.name for g in old.tools}:
        yield Move(Level.MINOR, "the granted tools changed")
    if _skeleton(old.pipeline) != _skeleton(new.pipeline):
        yield Move(Level.MINOR, "the steps of the pipeline changed")
    if old.deletion_policy != new.deletion_policy:
        yield Move(Level.MINOR, "the deletion policy changed")


def _skeleton(steps: list[Step]) -> list[object]:
    return [(s.id, s.tool, s.agent, _skeleton(s.parallel or [])) for s in steps]


def _models(old: dict[str, ModelSpec], new: dict[str, ModelSpec]) -> Iterator[Move]:
    for name in sorted(old.keys() - new.keys()):
        yield Move(Level.MAJOR, f"model {name} was removed")
    for name in sorted(new.keys() - old.keys()):
        yield Move(Level.MINOR, f"model {name} was added")
    for name in sorted(old.keys() & new.keys()):
        was, now = old[name], new[name]
        yield from _fields(name, was.fields, now.fields)
        if any(sorted(g) not in [sorted(w) for w in was.unique] for g in now.unique):
            yield Move(Level.MAJOR, f"{name} has a new unique group")
        known = {(c.name, c.expression) for c in was.checks}
        if any((c.name, c.expression) not in known for c in now.checks):
            yield Move(Level.MAJOR, f"{name} has a new or changed check")
        if (
            len(now.checks) < len(was.checks)
            or len(now.unique) < len(was.unique)
            or now.indexes != was.indexes
        ):
            yield Move(Level.MINOR, f"constraints or indexes of {name} changed")


def _fields(place: str, old: dict[str, FieldSpec], new: dict[str, FieldSpec]) -> Iterator[Move]:
    renamed = {
        field.renamed_from: name
        for name, field in new.items()
        if name not in old and field.renamed_from in old and field.renamed_from not in new
    }
    for name in old:
        if name in new:
            yield from _field(f"{place}.{name}", old[name], new[name])
        elif name in renamed:
            yield Move(Level.MAJOR, f"{place}.{name} was renamed to {renamed[name]}")
            yield from _field(f"{place}.{renamed[name]}", old[name], new[renamed[name]])
        else:
            yield Move(Level.MAJOR, f"{place}.{name} was removed")
    for name, field in new.items():
        if name not in old and name not in renamed.values():
            needed = field.required and field.default is None
            yield Move(
                Level.MAJOR if needed else Level.MINOR,
                f"{place}.{name} was added{' as required' if needed else ''}",
            )


_WIDER_TYPES = {
    (FieldType.STRING, FieldType.TEXT),
    (FieldType.ENUM, FieldType.STRING),
    (FieldType.ENUM, FieldType.TEXT),
}


def _field(place: str, old: FieldSpec, new: FieldSpec) -> Iterator[Move]:
    if old.type is not new.type:
        wider = (old.type, new.type) in _WIDER_TYPES
        yield Move(
            Level.MINOR if wider else Level.MAJOR, f"{place} became {new.type.value}, it was {old.type.value}"
        )
    if new.required and not old.required and new.default is None:
        yield Move(Level.MAJOR, f"{place} is newly required")
    elif new.required != old.required or new.default != old.default:
        yield Move(Level.MINOR, f"{place} changed in `required` or `default`")
    yield from _bounds(place, old, new)
    yield from _values(place, old, new)
    for attribute in ("pattern", "format", "items"):
        if getattr(new, attribute) != getattr(old, attribute):
            narrows = getattr(new, attribute) is not None
            yield Move(Level.MAJOR if narrows else Level.MINOR, f"{place} changed in `{attribute}`")
    if new.unique and not old.unique:
        yield Move(Level.MAJOR, f"{place} is newly unique")
    if (new.model, new.on_delete) != (old.model, old.on_delete):
        yield Move(Level.MAJOR if new.model != old.model else Level.MINOR, f"{place} refers in another way")
    if new.index != old.index or (old.unique and not new.unique) or new.encrypted != old.encrypted:
        yield Move(Level.MINOR, f"{place} is stored in another way")


def _values(place: str, old: FieldSpec, new: FieldSpec) -> Iterator[Move]:
    was, now = set(old.values or ()), set(new.values or ())
    if was - now and new.type is FieldType.ENUM:
        yield Move(Level.MAJOR, f"{place} lost values: {', '.join(sorted(was - now))}")
    elif now - was:
        yield Move(Level.MINOR, f"{place} gained values")


_TIGHTER: dict[str, Callable[[float, float], bool]] = {
    "min": lambda old, new: new > old,
    "min_length": lambda old, new: new > old,
    "max": lambda old, new: new < old,
    "max_length": lambda old, new: new < old,
    "precision": lambda old, new: new < old,
    "scale": lambda old, new: new < old,
}


def _bounds(place: str, old: FieldSpec, new: FieldSpec) -> Iterator[Move]:
    for attribute, tighter in _TIGHTER.items():
        was, now = getattr(old, attribute), getattr(new, attribute)
        if was == now:
            continue
        narrows = now is not None and (was is None or tighter(was, now))
        yield Move(
            Level.MAJOR if narrows else Level.MINOR,
            f"{place} is {'narrower' if narrows else 'wider'} in `{attribute}`",
        )

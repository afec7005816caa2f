"""Specs and parts of tables in a few words, in the vocabulary of the manifest language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, assert_never

from reconciler.plans.changes import Action, Change, Disposition, Kind
from reconciler.plans.render.attributes import notation
from reconciler.plans.render.masking import MASK
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from reconciler.spec.fields import FieldType
from reconciler.spec.policy import Policy
from reconciler.spec.tables import Check, Column, Index, Table

if TYPE_CHECKING:
    from reconciler.plans.changes import Subject


def describe(subject: Subject) -> str:
    match subject:  # what there is most of comes first: asking for another class is slow
        case Column():
            return ", ".join(_column_words(subject))
        case Agent():
            return ", ".join(_agent_words(subject))
        case Table():
            extras = [(len(subject.indexes), "index"), (len(subject.checks), "check")]
            parts = (_count(*size) for size in extras if size[0])
            return ", ".join((_count(len(subject.columns), "column"), *parts))
        case AgentType():
            spec = subject.spec
            sizes = [(len(spec.models), "model"), (len(spec.tools), "tool"), (len(spec.pipeline), "step")]
            return ", ".join((spec.version, *(_count(*size) for size in sizes)))
        case Policy():
            return ", ".join(subject.spec.model_dump(exclude_defaults=True)) or "no bounds of its own"
        case Index():
            return f"on ({', '.join(subject.columns)})"
        case Check():
            return subject.expression
        case _:
            assert_never(subject)


def title(change: Change, *, inside_table: bool = False) -> str:
    """What the change is about: its address, or within its table just kind and name."""
    if not inside_table:
        return change.address
    subject = change.after or change.before
    name = subject.label if isinstance(subject, Check) else change.address.rsplit("/", 1)[-1]
    if isinstance(subject, Index):
        return "unique" if subject.unique else "index"
    if (
        change.action is Action.RENAME
        and isinstance(change.before, Column)
        and isinstance(change.after, Column)
    ):
        name = f"{change.before.name} → {change.after.name}"
    return f"{change.kind.value} {name}"


def fate(change: Change) -> str:
    """What becomes of the values that the change takes away or brings back; empty where it does neither."""
    if change.action is Action.RESTORE and change.parked:
        rows = _count(change.parked.rows, "row")
        return f"restored from the archive with {rows}, parked by revision {change.parked.revision}"
    if change.lossy:
        return "values do not survive the conversion: the old column is parked and a new one filled"
    if change.action is not Action.REMOVE or change.kind not in (Kind.TABLE, Kind.COLUMN):
        return ""
    match change.disposition:
        case Disposition.PURGE:
            return "its data is deleted for good"
        case Disposition.RETAIN:
            return "stays in the database, no longer managed"
        case Disposition.ARCHIVE | None:
            return "its data is parked in the archive"
        case _:
            assert_never(change.disposition)


def vocabulary(document: dict[str, Any]) -> dict[str, Any]:
    """A dumped column in the words an author wrote: `required`, `min`, `max`."""
    words = {"minimum": "min", "maximum": "max", "foreign": "live type"}
    told = {words.get(key, key): value for key, value in document.items() if key not in ("nullable", "name")}
    return told if document.get("nullable", True) else {**told, "required": True}


def _agent_words(agent: Agent) -> Iterator[str]:
    spec = agent.spec
    yield f"of type {spec.type}{f' {spec.version}' if spec.version else ''}"
    if spec.schedule:
        yield f"schedule {spec.schedule}{f' {spec.timezone}' if spec.timezone else ''}"
    if not spec.enabled:
        yield "disabled"


def _column_words(column: Column) -> Iterator[str]:
    yield column.foreign or _type_words(column)
    if not column.nullable:
        yield "required"
    if column.minimum is not None:
        yield f"min {column.minimum}"
    if column.maximum is not None:
        yield f"max {column.maximum}"
    if column.min_length is not None:
        yield f"min_length {column.min_length}"
    if column.default is not None:
        yield f"default {MASK if column.sensitive or column.encrypted else notation(column.default)}"
    if column.encrypted:
        yield "encrypted"
    if column.sensitive:
        yield "sensitive"


def _type_words(column: Column) -> str:
    match column.type:
        case FieldType.ENUM:
            return f"enum [{', '.join(column.values)}]"
        case FieldType.DECIMAL:
            return f"decimal({column.precision}, {column.scale})"
        case FieldType.REFERENCE if column.references:
            return f"reference to {column.references.table}, on_delete {column.references.on_delete.value}"
        case _:
            return f"{column.type.value}({column.max_length})" if column.max_length else column.type.value


def _count(number: int, noun: str) -> str:
    plural = "indexes" if noun == "index" else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"

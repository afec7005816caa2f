"""Changes of what is known: fields and categories that are added, renamed, removed or made something else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from reconciler.builder.slots import SlotKind, effective
from reconciler.builder.templates.template import Template
from reconciler.builder.understanding.editing import Edit

if TYPE_CHECKING:
    from reconciler.builder.interview import Heard


def amend(heard: Heard, edits: Sequence[Edit], template: Template) -> None:
    """Changes fields and categories of a new type. What does not fit is said, not guessed."""
    for edit in edits:
        slot = "categories" if edit.operation.endswith("category") else "details"
        spec = template.slot(slot)
        if spec is None:
            continue
        known = heard.session.slots.get(slot)
        before: dict[str, Any] = dict(known.value) if known else {}
        if spec.kind is SlotKind.CATEGORIES and known is None:
            before = dict(effective(template.slots, heard.session.slots).get(slot) or {})
        if not known and slot == "details" and edit.operation != "add_field":
            continue
        after, problem = edited(before, edit)
        if problem:
            if edit.operation in ("remove_field", "rename_field", "remove_category"):
                heard.notices.append(problem)
            continue
        if spec.kind is SlotKind.CATEGORIES and not after:
            heard.notices.append("One category has to be left.")
            continue
        heard.take(slot, after)


def note_edits(heard: Heard, edits: Sequence[Edit]) -> None:
    """Adds the changes to those of an existing type."""
    if edits:
        known = heard.session.value("edits") or []
        heard.take("edits", [*known, *(asdict(edit) for edit in edits)])


def edited(values: dict[str, Any], edit: Edit) -> tuple[dict[str, Any], str]:
    """The fields or categories after a change, in order; and why it could not be made."""
    if edit.operation in ("add_field", "add_category"):
        return {**values, edit.name: edit.value}, ""
    if edit.name not in values:
        return (
            values,
            f"There is no {edit.name.replace('_', ' ')} yet: {', '.join(values) or 'nothing at all'}.",
        )
    match edit.operation:
        case "rename_field":
            return {edit.value if name == edit.name else name: spec for name, spec in values.items()}, ""
        case "change_field":
            return {**values, edit.name: changed(values[edit.name], edit.value)}, ""
        case _:
            return {name: spec for name, spec in values.items() if name != edit.name}, ""


def changed(spec: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A field with other attributes; None takes one away."""
    merged = {**spec, **change}
    return {key: value for key, value in merged.items() if value is not None}

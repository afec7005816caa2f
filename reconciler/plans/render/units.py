"""The changes of a unit as lines: objects, their attributes before and after, their hazards below them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from reconciler.plans.changes import Action, Change, Kind, Unit
from reconciler.plans.render.attributes import ABSENT, Attribute, differences, notation
from reconciler.plans.render.describe import describe, fate, title, vocabulary
from reconciler.plans.render.ink import TONE_OF_GLYPH, Tone, printable
from reconciler.plans.render.masking import SettingsLookup, comparable_document
from reconciler.plans.render.outline import Line, View, hazard_lines
from reconciler.spec.agent_type import AgentType
from reconciler.spec.tables import Check, Column, Index, Table, table_name

if TYPE_CHECKING:
    from reconciler.plans.changes import Subject

LONGEST_VALUE = 400
"""Characters of one value that are shown; the whole value is in the JSON document."""

BESIDE = 72
"""Two values up to this long together stand on one line, longer ones below each other."""

_NOT_OF_COLUMNS = frozenset({"description", "format", "items", "pattern"})


def unit_lines(unit: Unit, view: View, lookup: SettingsLookup) -> Iterator[Line]:
    """Changes in the order of the plan, those inside a table gathered below it."""
    groups: dict[str, list[Change]] = {}
    for change in unit.changes:
        groups.setdefault(_holder(change), []).append(change)
    addresses = frozenset(change.address for change in unit.changes)
    for holder, changes in groups.items():
        of_table = [change for change in changes if change.address == holder]
        inside = [change for change in changes if change.address != holder]
        for change in of_table:
            yield from _change(change, view, lookup, addresses)
        if inside and not of_table:
            yield Line(holder, glyph="~", tone=Tone.CHANGE)
        if not inside:
            yield from _columns_of_new_table(of_table)
        for change in inside:
            yield from _change(change, view, lookup, addresses, inside_table=True)


def _holder(change: Change) -> str:
    address = change.address
    return address if address.count("/") == 1 else "/".join(address.split("/")[:2])


def _change(
    change: Change,
    view: View,
    lookup: SettingsLookup,
    addresses: frozenset[str],
    *,
    inside_table: bool = False,
) -> Iterator[Line]:
    depth = 1 if inside_table else 0
    glyph = change.action.glyph
    name = title(change, inside_table=inside_table)
    yield Line(printable(name), printable("; ".join(_details(change))), glyph, depth, TONE_OF_GLYPH[glyph])
    if change.before is not None and change.after is not None and change.kind is not Kind.TABLE:
        for attribute in _attributes(change, change.before, change.after, lookup, addresses):
            yield from _attribute(attribute, depth + 2)
    for hazard in change.hazards:
        yield from hazard_lines(hazard, view, depth + 2)


def _details(change: Change) -> Iterator[str]:
    if change.action is Action.ADD and change.after is not None:
        yield describe(change.after)
    if happens := fate(change):
        yield happens
    elif change.action is Action.REMOVE and isinstance(change.before, Index | Check):
        yield describe(change.before)
    elif change.action in (Action.REMOVE, Action.RESTORE):
        yield change.reason
    if change.drift:
        yield "corrects drift"


def _columns_of_new_table(changes: list[Change]) -> Iterator[Line]:
    for change in changes:
        if change.kind is Kind.TABLE and change.action is Action.ADD and isinstance(change.after, Table):
            for column in change.after.columns:
                yield Line(f"column {column.name}", printable(describe(column)), "+", 1, Tone.ADD)


def _attributes(
    change: Change, before: Subject, after: Subject, lookup: SettingsLookup, addresses: frozenset[str]
) -> Iterator[Attribute]:
    for attribute in differences(_flat(before, lookup), _flat(after, lookup)):
        if not (isinstance(after, AgentType) and _shown_as_table(after.name, attribute.path, addresses)):
            yield attribute


def _flat(subject: Subject, lookup: SettingsLookup) -> dict[str, Any]:
    """The document without the envelope: what an author would call the object's attributes."""
    document = comparable_document(subject, lookup)
    if isinstance(subject, Column):
        return vocabulary(document)
    if "spec" not in document:
        return document
    labels = document.get("metadata", {}).get("labels")
    return {**document["spec"], **({"labels": labels} if labels else {})}


def _shown_as_table(type_name: str, path: str, addresses: frozenset[str]) -> bool:
    """Whether a difference of a type's models is told again by the unit's changes of tables."""
    head, *rest = path.split(".")
    if head != "models" or not rest:
        return False
    table = f"table/{table_name(type_name, rest[0])}"
    match rest[1:]:
        case []:
            return table in addresses
        case ["fields", field, *attribute]:
            if attribute and attribute[-1] in _NOT_OF_COLUMNS:
                return False
            return not addresses.isdisjoint({table, f"{table}/column/{field}"}) or not attribute
        case [part, *_]:
            return part != "description" and any(a.startswith(f"{table}/") for a in addresses)
        case _:
            return False


def _attribute(attribute: Attribute, depth: int) -> Iterator[Line]:
    path, glyph, before, after = printable(attribute.path), attribute.glyph, attribute.before, attribute.after
    tone = TONE_OF_GLYPH[glyph]
    if _has_lines(before) and _has_lines(after):
        yield Line(path, "", glyph, depth, tone)
        yield from _line_differences(before, after, depth + 1)
        return
    old, new = (None if value is ABSENT else _cut(notation(value)) for value in (before, after))
    if old is None or new is None:
        yield Line(path, printable(old or new or ""), glyph, depth, tone)
    elif len(old) + len(new) <= BESIDE:
        yield Line(path, printable(f"{old} → {new}"), glyph, depth, tone)
    else:
        yield Line(path, "", glyph, depth, tone)
        yield Line(printable(old), glyph="-", depth=depth + 1, tone=Tone.REMOVE)
        yield Line(printable(new), glyph="+", depth=depth + 1, tone=Tone.ADD)


def _has_lines(value: Any) -> bool:
    return isinstance(value, str) and "\n" in value


def _line_differences(before: str, after: str, depth: int) -> Iterator[Line]:
    compared = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
    for number, line in enumerate(compared):
        if number < 2:
            continue  # the names of the compared files, of which there are none
        glyph = line[0] if line[0] in "+-" else ""
        text = "…" if line.startswith("@@") else printable(line[1:])
        yield Line(_cut(text), glyph=glyph, depth=depth, tone=TONE_OF_GLYPH.get(glyph, Tone.FAINT))


def _cut(text: str) -> str:
    beyond = len(text) - LONGEST_VALUE
    return text if beyond <= 0 else f"{text[:LONGEST_VALUE]}… ({beyond:,} more characters)"

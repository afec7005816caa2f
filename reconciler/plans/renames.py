"""Renames that are taken back: a manifest that returns to a former name says nothing of it, its past does."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.spec.agent_type import AgentType
from reconciler.spec.tables import renames_of, tables_of


def undone_renames(past: Sequence[AgentType], after: AgentType) -> dict[str, dict[str, str]]:
    """Table name -> {field of `after`: its name now}. `past` are the specs since `after`, newest first.

    A field that `after` lacks is followed back through every `renamed_from`; if that leads to a field of
    `after` which is not there now, the rename is undone.
    """
    if not past:
        return {}
    hints = [renames_of(spec) for spec in past]
    wanted, present = tables_of(after), tables_of(past[0])
    found: dict[str, dict[str, str]] = {}
    for name in sorted(wanted.keys() & present.keys()):
        fields = {column.name for column in wanted[name].columns}
        there = {column.name for column in present[name].columns}
        for column in sorted(there - fields):
            former = column
            for said in hints:
                former = said.get(name, {}).get(former, former)
            if former in fields - there:
                found.setdefault(name, {})[former] = column
    return found

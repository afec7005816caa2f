"""Renames that pass names on from one object to the next, put in an order that works."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


def in_turn(renames: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Single renames (old, new) that together do `renames`, each to a name that is free when its turn comes.

    Names that are exchanged among each other go through one of their own.
    """
    waiting = {old: new for old, new in renames.items() if old != new}
    exchanges = 0
    while waiting:
        free = next((old for old, new in waiting.items() if new not in waiting), None)
        if free is not None:
            yield free, waiting.pop(free)
            continue
        exchanges += 1
        old = next(iter(waiting))
        aside = f"_renaming_{exchanges}"
        waiting[aside] = waiting.pop(old)
        yield old, aside

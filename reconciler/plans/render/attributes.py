"""What differs between two documents, attribute by attribute."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reconciler.plans.render.masking import Hidden


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()
"""Stands where an attribute is not there at all, which is not the same as being null."""

_PLAIN = re.compile(r"[\w^~*]([\w ./:@*^~+-]*[\w./@*+-])?\Z")
_NUMBER_OR_CONSTANT = re.compile(r"[\d_]+(\.\d*)?(e[+-]?\d+)?\Z|(true|false|none|null)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One difference. `path` is dotted, members of lists named by their id (`pipeline[save].with.mode`)."""

    path: str
    before: Any
    after: Any

    @property
    def glyph(self) -> str:
        if self.before is ABSENT:
            return "+"
        return "-" if self.after is ABSENT else "~"


def differences(before: Any, after: Any, path: str = "") -> Iterator[Attribute]:
    """Differences in the order of `after`, what is gone at the end of its mapping."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in (*after, *(key for key in before if key not in after)):
            below = f"{path}.{key}" if path else str(key)
            yield from differences(before.get(key, ABSENT), after.get(key, ABSENT), below)
    elif (keyed := _keyed(before)) is not None and (keyed_after := _keyed(after)) is not None:
        yield from _list_differences(keyed, keyed_after, path)
    elif not _same(before, after):
        yield Attribute(path, before, after)


def _same(before: Any, after: Any) -> bool:
    """Equality for which `1` and `true` are two values, as they are in a manifest."""
    if type(before) is not type(after):
        return False
    if isinstance(before, list):
        return len(before) == len(after) and all(map(_same, before, after))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(_same(before[key], after[key]) for key in before)
    return bool(before == after)


def _list_differences(before: dict[str, Any], after: dict[str, Any], path: str) -> Iterator[Attribute]:
    for key in (*after, *(key for key in before if key not in after)):
        yield from differences(before.get(key, ABSENT), after.get(key, ABSENT), f"{path}[{key}]")
    kept_before, kept_after = [k for k in before if k in after], [k for k in after if k in before]
    if kept_before != kept_after:
        yield Attribute(f"order of {path}", kept_before, kept_after)


def _keyed(value: Any) -> dict[str, Any] | None:
    """A list whose members all have an `id` or all a `name`, by that; None for any other value."""
    if not isinstance(value, list) or not value or not all(isinstance(member, dict) for member in value):
        return None
    for key in ("id", "name"):
        names = [member.get(key) for member in value]
        if all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
            return {str(name): member for name, member in zip(names, value, strict=True)}
    return None


def notation(value: Any) -> str:
    """A value on one line, in YAML's flow style: `[a, b]`, `{mode: upsert}`, `"5"`, `5`, `true`, `none`."""
    match value:
        case str():
            return value if _reads_as_text(value) else json.dumps(value, ensure_ascii=False)
        case bool():
            return "true" if value else "false"
        case None:
            return "none"
        case list() | tuple():
            return f"[{', '.join(map(notation, value))}]"
        case dict():
            return f"{{{', '.join(f'{key}: {notation(member)}' for key, member in value.items())}}}"
        case Hidden():
            return repr(value)
        case _:
            return str(value)


def _reads_as_text(value: str) -> bool:
    """Whether the text needs no quotes to be told from a number, a constant or a list."""
    return _PLAIN.match(value) is not None and not _NUMBER_OR_CONSTANT.match(value)

"""A table as the database describes it, in the database's own words."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# Made once: `json.dumps` makes an encoder at each call that is not its default.
_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False
).encode

_COLUMN = re.compile(
    r"(?P<type>.*?)(?: collate (?P<collation>\S+))?(?P<not_null> not null)?"
    r"(?: default (?P<default>.*?))?(?: as (?P<special>.*))?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class LiveColumn:
    """`default` is an SQL expression; `special` says how the value comes about otherwise (identity,
    generated, rowid)."""

    type: str
    not_null: bool = False
    default: str = ""
    collation: str = ""
    special: str = ""

    def __str__(self) -> str:
        return (
            self.type
            + (f" collate {self.collation}" if self.collation else "")
            + (" not null" if self.not_null else "")
            + (f" default {self.default}" if self.default else "")
            + (f" as {self.special}" if self.special else "")
        )

    @classmethod
    def parse(cls, text: str) -> LiveColumn:
        """The inverse of `str`."""
        found = _COLUMN.fullmatch(text)
        if found is None:  # pragma: no cover - every part is optional, so any text matches
            return cls(text)
        parts = found.groupdict()
        return cls(
            parts["type"],
            bool(parts["not_null"]),
            parts["default"] or "",
            parts["collation"] or "",
            parts["special"] or "",
        )


@dataclass(frozen=True, slots=True)
class LiveTable:
    """Texts by name: columns (`str` of a LiveColumn), indexes, constraints and triggers with everything
    that matters about them, validity included. Two tables are built alike exactly if their LiveTables are
    equal."""

    columns: Mapping[str, str] = field(default_factory=dict)
    indexes: Mapping[str, str] = field(default_factory=dict)
    constraints: Mapping[str, str] = field(default_factory=dict)
    triggers: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> str:
        # By hand: `asdict` would copy every text first.
        parts = {
            "columns": self.columns,
            "indexes": self.indexes,
            "constraints": self.constraints,
            "triggers": self.triggers,
        }
        return _encode(parts)

    @classmethod
    def from_json(cls, text: str) -> LiveTable:
        return cls(**json.loads(text))

    @property
    def digest(self) -> str:
        """Equal for equal tables; independent of the order of columns. 32 hexadecimal digits."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()[:32]

"""The two ways a text enters SQL: as an identifier and as a literal."""

from __future__ import annotations

from typing import Literal

Dialect = Literal["sqlite", "postgresql"]


def quote(name: str) -> str:
    """An identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"

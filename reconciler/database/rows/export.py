"""Rows as files: JSON Lines and CSV, row by row, so that memory does not grow with the table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from reconciler.database.json_text import to_json
from reconciler.expressions.values import to_text

Format = Literal["jsonl", "csv"]

FORMULA_STARTS = frozenset("=+-@\t\r\n|%＝＋－＠")
"""What a spreadsheet may take for the beginning of a formula or a command."""


def exported(rows: Iterable[Mapping[str, Any]], fields: Sequence[str], form: Format) -> Iterator[str]:
    """The file in pieces, each a whole number of lines."""
    return _json_lines(rows) if form == "jsonl" else _csv(rows, fields)


def _json_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        yield to_json(row) + "\n"


def _csv(rows: Iterable[Mapping[str, Any]], fields: Sequence[str]) -> Iterator[str]:
    """RFC 4180. Lists and objects are JSON; no value at all is an empty cell, as is an empty text."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(fields)
    yield buffer.getvalue()
    for row in rows:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow([cell(row[name]) for name in fields])
        yield buffer.getvalue()


def cell(value: Any) -> str:
    """One value. A text that a spreadsheet could run gets an apostrophe in front; numbers are left as they are."""
    if isinstance(value, str):
        shown = value.lstrip(" \u00a0\ufeff")
        return f"'{value}" if shown[:1] in FORMULA_STARTS and shown else value
    if isinstance(value, (list, dict)):
        return to_json(value)
    return "" if value is None else to_text(value)

"""Bytes -> documents, hardened: bounded in time and memory, and never an exception for what a file holds.

A document that cannot be read hides none of the others of its file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from reconciler.errors import Problem
from reconciler.manifests.budget import MAX_NODES, Budget
from reconciler.manifests.reading_error import ReadingError
from reconciler.manifests.subset import read_subset
from reconciler.manifests.text import Segment, decode, segments
from reconciler.spec.state import KIND_OF

_BLANK = r"(?:[ \t]*+(?:#[^\n]*+|\r)?+\n)"
_BEFORE_CONTENT = re.compile(rf"(?:---{_BLANK})?+{_BLANK}*+(?:---[ ]++)?+[ ]*+")
_KIND = re.compile(r"""^kind:[ ]*["']?([A-Za-z]+)""", re.MULTILINE)
_NAME = re.compile(
    r"^metadata:[ ]*(?:\{[^}\n]*?\bname:|(?:[^\n]*\n[ ]++(?!name:))*?[^\n]*\n[ ]++name:)"
    r"""[ ]*["']?([a-z0-9-]{1,40})""",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Document:
    """A mapping as written. `line` and `column` (from 1) are where it begins, `index` its number in the file.

    `value` is to be treated as frozen: it is the only copy.
    """

    value: dict[str, Any]
    index: int
    line: int
    column: int
    segment: Segment


class Reading(NamedTuple):
    """What a file gave. `held` are the addresses that its unreadable documents seem to have."""

    documents: list[Document]
    problems: list[Problem]
    held: list[str]


def read(data: bytes, file: str) -> Reading:
    """The documents of a file and all that is wrong with its YAML. Empty documents are passed over."""
    reading = Reading([], [], [])
    try:
        cut = segments(decode(data))
    except ReadingError as error:
        reading.problems.append(error.problem(file, 0))
        reading.held.extend(salvage(data.decode(errors="replace")))
        return reading
    budget = Budget() if len(data) > MAX_NODES else None
    for segment in cut:
        value, errors = _value(segment.text, budget)
        if errors:
            reading.problems.extend(error.problem(file, segment.line) for error in errors)
            reading.held.extend(salvage(segment.text))
        elif value is not None:
            line, column = _start(segment.text)
            reading.documents.append(
                Document(value, segment.index, segment.line + line + 1, column + 1, segment)
            )
    return reading


def salvage(text: str) -> list[str]:
    """The addresses that a text, readable or not, seems to declare."""
    found: list[str] = []
    for part in re.split(r"^---", text, flags=re.MULTILINE):
        kind, name = _KIND.search(part), _NAME.search(part)
        if kind and name and kind[1] in KIND_OF:
            found.append(f"{KIND_OF[kind[1]]}/{name[1]}")
    return found


def _value(text: str, budget: Budget | None) -> tuple[dict[str, Any] | None, list[ReadingError]]:
    """The mapping that a document is; None if the document is empty, or with errors."""
    simple = read_subset(text) if budget is None else None
    if simple is not None:
        return simple, []
    # Imported here, with the parser of YAML: most sources never need either.
    from reconciler.manifests.construct import construct

    value, errors = construct(text, budget)
    if errors or value is None or isinstance(value, dict):
        return value, errors
    found = "a list" if isinstance(value, list) else "a single value"
    message = f"a document is a mapping with `apiVersion` and `kind`, not {found}"
    return None, [ReadingError("yaml-not-a-mapping", message, *_start(text))]


def _start(text: str) -> tuple[int, int]:
    """Line and column, from 0, at which the content of a document begins."""
    before = _BEFORE_CONTENT.match(text)
    end = before.end() if before else 0
    return text.count("\n", 0, end), end - text.rfind("\n", 0, end) - 1

"""Bytes of a file -> its text, free of what people cannot see, cut into documents.

Only `---` at the start of a line separates documents, in YAML wherever it stands. Cutting there first means
that a document that does not parse hides none of the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconciler.manifests.reading_error import ReadingError

MAX_FILE_BYTES = 2**20
MAX_DOCUMENTS = 1000
"""Documents per file."""

_BOM = b"\xef\xbb\xbf"
_PLAIN_ASCII = bytes([*b"\t\n", *range(0x20, 0x7F)])
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # C0 without tab and line ends, DEL, C1 with NEL
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional marks, embeddings, overrides, isolates
    "\u2028\u2029"  # line ends to YAML 1.1 only: every editor would count lines differently
    "\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff"  # surrogates, stray BOM, annotations, noncharacters
    "\U000e0000-\U000e007f]"  # tags: an invisible alphabet that language models do read
    "|\r(?!\n)"
)
_SEPARATOR = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Segment:
    """The text of at most one document. `line` counts from 0; `index` is its number in the file, from 0."""

    text: str
    index: int
    line: int


def decode(data: bytes) -> str:
    """The text of a file; ReadingError if it is too large, not UTF-8 or holds what people cannot see."""
    if len(data) > MAX_FILE_BYTES:
        raise ReadingError(
            "yaml-too-large", f"the file has {len(data):,} bytes; the most is {MAX_FILE_BYTES:,}", 0, 0
        )
    if data.startswith(_BOM):
        data = data[3:]
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        column = len(before) - before.rfind("\n") - 1
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise ReadingError(
            "yaml-encoding", message, before.count("\n"), column, "save the file as UTF-8"
        ) from None
    # Removing the harmless bytes is several times faster than searching for the others.
    if data.translate(None, _PLAIN_ASCII) and (found := unseen(text)):
        raise ReadingError(
            "yaml-control-character", f"{found[0]} is not allowed", *_place(text, found[1]), found[2]
        )
    return text


def unseen(text: str) -> tuple[str, int, str] | None:
    """The first character that is refused, as (its name, its offset, a hint)."""
    match = _UNSEEN.search(text)
    if match is None:
        return None
    code = ord(match[0])
    if match[0] == "\r":
        return "a carriage return without a line feed", match.start(), "end lines with LF or CRLF"
    return f"the invisible character U+{code:04X}", match.start(), "remove it"


def segments(text: str) -> list[Segment]:
    """The documents of a file, in order. Text before the first `---` is one of its own, if there is any."""
    if "---" not in text:
        return [Segment(text, 0, 0)]
    starts = [match.start() for match in _SEPARATOR.finditer(text)]
    if not starts or text[: starts[0]].strip():
        starts.insert(0, 0)
    if len(starts) > MAX_DOCUMENTS:
        message = f"the file has {len(starts)} documents; the most is {MAX_DOCUMENTS}"
        raise ReadingError("yaml-too-large", message, *_place(text, starts[MAX_DOCUMENTS]))
    found: list[Segment] = []
    line, last = 0, 0
    for index, (start, end) in enumerate(zip(starts, [*starts[1:], len(text)], strict=True)):
        line += text.count("\n", last, start)
        found.append(Segment(text[start:end], index, line))
        last = start
    return found


def _place(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 0."""
    return text.count("\n", 0, offset), offset - text.rfind("\n", 0, offset) - 1

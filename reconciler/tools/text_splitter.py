"""text_splitter: a text in chunks, cut where a paragraph ends, else a sentence, else a word, else anywhere."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.errors import BadParameter, OutputTooLarge
from reconciler.tools.declarations.text import TEXT_SPLITTER
from reconciler.tools.tool import Tool, ToolContext

MOST_CHARACTERS = 2**25
"""Of all chunks together: a large overlap repeats a text many times over."""

_CLOSING = r"[\"')\]»”’」』]{0,3}"
# The group, where there is one, is what is left out. Each is linear on any text: what stands before a gap is looked at
# one character at a time.
_PARAGRAPH_GAP = re.compile(r"\n[^\S\n]*+\n\s*+")
_SENTENCE_GAP = re.compile(rf"(?<=[.!?…]){_CLOSING}(\s++)|(?<=[。！？]){_CLOSING}(\s*+)")
_WORD_GAP = re.compile(r"\s++")


class TextSplitter(Tool):
    declaration = TEXT_SPLITTER
    honours_deadline = True

    def execute(self, context: ToolContext, params: Mapping[str, Any]) -> dict[str, Any]:
        size, overlap = params["chunk_size"], params["overlap"]
        if overlap >= size:
            raise BadParameter(
                f"/overlap: chunks of {size} cannot overlap by {overlap}",
                where=f"{context.step}/with/overlap",
            )
        chunks: list[str] = []
        length = 0
        for chunk in split(params["text"], size, overlap):
            context.remaining()
            chunks.append(chunk)
            length += len(chunk)
            if length > MOST_CHARACTERS:
                raise OutputTooLarge(
                    f"the chunks have more than {MOST_CHARACTERS:,} characters", hint="make `overlap` smaller"
                )
        return {"chunks": chunks, "count": len(chunks)}


def split(text: str, size: int, overlap: int) -> Iterator[str]:
    """Chunks of at most `size` characters without blanks around them, of which up to `overlap` repeat the end of the
    one before. Together they hold every word of the text."""
    gaps = [_Gaps(text, pattern) for pattern in (_PARAGRAPH_GAP, _SENTENCE_GAP, _WORD_GAP)]
    end = len(text.rstrip())
    start = _behind_blanks(text, 0)
    while end - start > size:
        stop, following = _cut(gaps, start, size, overlap)
        yield text[start:stop].rstrip()
        start = _behind_blanks(text, _repeating(gaps[-1], stop, following, overlap))
    if start < end:
        yield text[start:end]


class _Gaps:
    """Where a text may be cut: each gap is left out."""

    def __init__(self, text: str, pattern: re.Pattern[str]) -> None:
        spans = [match.span(match.lastindex or 0) for match in pattern.finditer(text)]
        self.stops = [stop for stop, _ in spans]
        self.starts = [start for _, start in spans]

    def last(self, least: int, most: int) -> tuple[int, int] | None:
        """End and new start of the last gap behind which not more than `most`, and at least `least`, was."""
        position = bisect_right(self.stops, most) - 1
        if position < 0 or self.stops[position] < least:
            return None
        return self.stops[position], self.starts[position]

    def first_start(self, least: int, before: int) -> int | None:
        """Where the first piece begins that begins between two places."""
        position = bisect_left(self.starts, least)
        if position == len(self.starts) or self.starts[position] >= before:
            return None
        return self.starts[position]


def _cut(gaps: list[_Gaps], start: int, size: int, overlap: int) -> tuple[int, int]:
    """Where a chunk ends and what is new behind it begins. Half a chunk that ends with its paragraph is better than a
    whole one that does not; a smaller one is not, nor one that holds nothing new."""
    most = start + size
    for kind in gaps[:-1]:
        if found := kind.last(start + max(size // 2, overlap + 1), most):
            return found
    return gaps[-1].last(start + overlap + 1, most) or (most, most)


def _repeating(words: _Gaps, stop: int, following: int, overlap: int) -> int:
    """Where the next chunk begins: with whole words of the one before, or, where that was cut within a word, with its
    last characters."""
    if overlap == 0:
        return following
    repeated = words.first_start(stop - overlap, stop)
    if repeated is not None:
        return repeated
    return stop - overlap if stop == following else following


def _behind_blanks(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position

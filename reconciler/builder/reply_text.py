"""The text of `reply` out of a JSON answer that is still being written."""

from __future__ import annotations

import json
import re

_BEGINS = re.compile(r'\A\s*\{\s*"reply"\s*:\s*"')
_ESCAPE_CUT = re.compile(r"(?<!\\)(?:\\\\)*\\(?:u[0-9a-fA-F]{0,3})?\Z")


class ReplyText:
    """Fed with pieces of the answer, gives what is new of the reply; nothing where the answer begins otherwise."""

    def __init__(self, longest: int) -> None:
        self._answer = ""
        self._given = 0
        self._longest = longest

    def feed(self, piece: str) -> str:
        if self._given >= self._longest:
            return ""
        self._answer += piece
        begun = _BEGINS.match(self._answer)
        if begun is None:
            return ""
        rest = self._answer[begun.end() :]
        end = re.match(r'(?:[^"\\]|\\.)*', rest, re.DOTALL)
        written = end[0] if end else ""
        text = _decoded(_ESCAPE_CUT.sub("", written))[: self._longest]
        new, self._given = text[self._given :], max(self._given, len(text))
        return new


def _decoded(written: str) -> str:
    try:
        return str(json.loads(f'"{written}"', strict=False))
    except ValueError:
        return ""

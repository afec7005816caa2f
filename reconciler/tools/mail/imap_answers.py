"""What an IMAP server answers, as imaplib hands it on: lists of bytes, and of pairs where a literal was in the line."""

from __future__ import annotations

import imaplib
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_UID = re.compile(rb"(?<![A-Z.])UID (\d{1,10})")
_SIZE = re.compile(rb"RFC822\.SIZE (\d{1,12})")
_FLAGS = re.compile(rb"FLAGS \(([^()]*)\)")
_ARRIVED = re.compile(rb'INTERNALDATE "[^"]{0,40}"')
_REASON = re.compile(r"(?:[A-Z]+ )?(?:command error: )?\[([A-Z]+)[^\]]*\]\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Found:
    """One message of a FETCH. `arrived` is in seconds since the epoch; what was not asked for is empty."""

    uid: int
    size: int
    flags: frozenset[str]
    arrived: float | None
    literal: bytes


def found_in(answer: Sequence[Any]) -> Iterator[Found]:
    """Messages of an answer to FETCH. The items of one may stand before its literal, behind it, or both."""
    line, literal = b"", b""
    for piece in answer:
        if isinstance(piece, tuple):
            line, literal = line + piece[0], piece[1]
            continue
        line += piece or b""
        if uid := _UID.search(line):
            yield _found(int(uid[1]), line, literal)
        line, literal = b"", b""


def _found(uid: int, line: bytes, literal: bytes) -> Found:
    size, flags = _SIZE.search(line), _FLAGS.search(line)
    arrived = _ARRIVED.search(line)
    moment = imaplib.Internaldate2tuple(arrived[0]) if arrived else None
    return Found(
        uid,
        int(size[1]) if size else 0,
        frozenset(flags[1].decode("ascii", "replace").lower().split()) if flags else frozenset(),
        time.mktime(moment) if moment else None,
        literal,
    )


def numbers_in(answer: Sequence[Any]) -> Iterator[int]:
    for piece in answer:
        for word in (piece or b"").split():
            if word.isdigit():
                yield int(word)


def reason_of(answer: Sequence[Any]) -> tuple[str, str]:
    """The code in brackets (`NONEXISTENT`), if there is one, and the server's words as one line fit for a log."""
    raw = b" ".join(piece for piece in answer if isinstance(piece, bytes)).decode("utf-8", "replace")
    text = "".join(character for character in " ".join(raw.split()) if character.isprintable())
    coded = _REASON.match(text)
    return (coded[1], coded[2][:200]) if coded else ("", text[:200])

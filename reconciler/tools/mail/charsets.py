"""Texts from bytes whose charset is said wrongly, or not at all."""

from __future__ import annotations

import codecs
import re
from base64 import b64decode
from binascii import a2b_qp
from itertools import groupby

_NO_CHARSETS = frozenset(
    {
        *("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"),
        *("base64", "bz2", "hex", "quopri", "rot13", "uu", "zlib"),
    }
)
"""Codecs that no mail is written in, but which a hostile one could name: some take ages, some are no charsets."""

_ENCODED = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,40})?\?([BbQq])\?([^?\s]*)\?=")
_BETWEEN = re.compile(r"(\?=)\s+(?==\?)")
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def clean(text: str) -> str:
    """Without characters that a database or a terminal cannot hold."""
    return _UNFIT.sub("", text)


def decoded(data: bytes, charset: str) -> str:
    """By the charset that is said, if it is right; by UTF-8, if that is; else as well as can be."""
    said = _known(charset)
    for candidate in dict.fromkeys((said, "utf-8")):
        try:
            if candidate:
                return data.decode(candidate)
        except (UnicodeError, ValueError):
            continue
    return data.decode(said if said and said != "ascii" else "cp1252", "replace")


def from_wire(text: str) -> str:
    """A header as the parser gives it, its bytes beyond ASCII hidden in surrogates, with these decoded."""
    if text.isascii():
        return text
    return decoded(text.encode("utf-8", "surrogateescape"), "")


def decoded_header(text: str) -> str:
    """With encoded words (RFC 2047) decoded, also those that cut a character in two, and those that are broken left."""
    if "=?" not in text:
        return clean(text)
    joined = _BETWEEN.sub(r"\1", text)
    pieces: list[str] = []
    words: list[tuple[str, bytes]] = []
    position = 0
    for found in _ENCODED.finditer(joined):
        if found.start() > position:
            pieces += [*_decoded_words(words), joined[position : found.start()]]
            words = []
        words.append((found[1].lower(), _unpacked(found[2].lower(), found[3])))
        position = found.end()
    return clean("".join([*pieces, *_decoded_words(words), joined[position:]]))


def _decoded_words(words: list[tuple[str, bytes]]) -> list[str]:
    """Neighbours of one charset belong together: some senders cut between the bytes of one character."""
    return [
        decoded(b"".join(data for _, data in group), charset)
        for charset, group in groupby(words, key=lambda word: word[0])
    ]


def _unpacked(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    if encoding == "q":
        return a2b_qp(data, header=True)
    try:
        return b64decode(data + b"=" * (-len(data) % 4))
    except ValueError:
        return data


def _known(charset: str) -> str:
    """The codec's name; empty where there is none that a mail could be written in."""
    try:
        found = codecs.lookup(charset.strip().strip("'\"")) if charset.isascii() else None
    except (LookupError, ValueError):
        return ""
    if found is None or found.name in _NO_CHARSETS:
        return ""
    return found.name

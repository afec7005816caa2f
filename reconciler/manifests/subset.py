"""The everyday subset of YAML, read several times faster than by a parser: most documents hold nothing else.

Block mappings and sequences, flow collections, plain and quoted scalars of one line, literal blocks. Whatever
else comes (escapes, anchors, tags, folded text, odd indentation, duplicate keys, any error) is declined: the
document then goes through `construct`, the only judge of what is right. So this module may decline but never
differ, which tests/faults/test_fuzz_reader.py holds it to.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from reconciler.manifests.scalars import (
    MAX_DEPTH,
    MAX_KEY_LENGTH,
    NUMERIC_STARTS,
    WORDS,
    AmbiguousNumberError,
    number,
)

# In every pattern of a value its groups are, in this order: plain, double quoted, single quoted.
# Quantifiers that gain nothing by giving back are possessive (`*+`): no text takes more than linear time.
_KEY = r"([A-Za-z_][A-Za-z0-9_-]*+)"
_START = r"(?:[A-Za-z0-9_/.(~]|-(?=[0-9]))"
_BLOCK_PLAIN = rf"({_START}[^:#\n]*+(?:(?::(?![ \n])|(?<! )\#)[^:#\n]*+)*+)"
_FLOW_PLAIN = rf"({_START}[^,?\[\]{{}}:#\n]*+)"
_QUOTED = r"""\"([^"\\\n]*+)\"|'([^'\n]*+)'(?!')"""
_REST_OF_LINE = r"[ ]*+(?:(?<=[ ])\#[^\n]*+)?+\n"
_BLANK = r"(?:[ ]*+(?:\#[^\n]*+)?+\n)*+"
_FLAT = r"""[^{}\[\]"'\n]*+\}"""
_VALUE = rf"(?:(?:{_BLOCK_PLAIN}|{_QUOTED}|(\|-?)|\{{({_FLAT})){_REST_OF_LINE}|([\[{{]))"
_ENTRY = rf"{_KEY}:(?=[ \n])[ ]*+(?:{_VALUE}|{_REST_OF_LINE})"
_ELEMENT = rf"-([ ]++)(?:(?={_KEY[1:-1]}:[ \n])|{_VALUE})"
_FLOW_VALUE = rf"(?:{_FLOW_PLAIN}|{_QUOTED})?"

# Which group of `_ENTRY` or `_ELEMENT` is the last that matched tells what the line holds.
_NOTHING, _PLAIN, _QUOTED_FORMS, _LITERAL, _FLAT_ONE, _OPENING = 1, 2, (3, 4), 5, 6, 7
_first_entry = re.compile(_ENTRY).match
_first_element = re.compile(_ELEMENT).match
_pair = re.compile(rf"[ \n]*+(?:{_KEY}:[ ]++{_FLOW_VALUE}[ \n]*+([,}}\[{{])|(}}))").match
_item = re.compile(rf"[ \n]*+{_FLOW_VALUE}[ \n]*+([,\]\[{{])").match
_after = re.compile(r"[ \n]*+([,\]}])").match
_flat = re.compile(_FLAT).match
_end_of_line = re.compile(_REST_OF_LINE).match
_next_line = re.compile(rf"{_BLANK}([ ]*+)(-(?=[ ]))?").match
_head = re.compile(rf"(?:---{_REST_OF_LINE})?+{_BLANK}").match
_tail = re.compile(_BLANK).fullmatch
_spaces_only = re.compile(r"[ ]++\n").match
_first_line = re.compile(r"([ ]++)(?=[^\n])").match


class _DeclinedError(Exception):
    """The document holds something this module does not read."""


def read_subset(text: str) -> dict[str, Any] | None:
    """The mapping that a document is, or None if the document is outside the subset."""
    if text[-1:] != "\n" or "\t" in text or "\r" in text:
        return None
    start = _head(text)
    try:
        value, end = _mapping(text, start.end() if start else 0, 0, 1)
    except (_DeclinedError, AmbiguousNumberError):
        return None
    return value if _tail(text, end) else None


@lru_cache(maxsize=256)
def _entry_at(indent: int) -> Any:
    """Matches a further entry of a block mapping that is indented so far, with the blank lines before it."""
    return re.compile(f"{_BLANK}[ ]{{{indent}}}{_ENTRY}").match


@lru_cache(maxsize=256)
def _element_at(indent: int) -> Any:
    return re.compile(f"{_BLANK}[ ]{{{indent}}}{_ELEMENT}").match


@lru_cache(maxsize=256)
def _literal_lines(indent: int) -> Any:
    return re.compile(rf"(?:[ ]{{{indent}}}[^\n]*+\n|\n)*+").match


def _mapping(text: str, position: int, indent: int, depth: int) -> tuple[dict[str, Any], int]:
    """The block mapping whose first key is at `position`, and where it ends."""
    if depth > MAX_DEPTH:
        raise _DeclinedError
    entry_at = _entry_at(indent)
    found: dict[str, Any] = {}
    entry = _first_entry(text, position)
    if entry is None:
        raise _DeclinedError
    while entry is not None:
        key, form, position = entry[1], entry.lastindex, entry.end()
        if form == _PLAIN:
            value = entry[_PLAIN].rstrip(" ")
            value = number(value) if value[0] in NUMERIC_STARTS else WORDS.get(value, value)
        elif form == _FLAT_ONE and depth < MAX_DEPTH:
            value = _flat_mapping(entry[_FLAT_ONE]).copy()
        elif form == _NOTHING:
            value, position = _nested(text, position, indent, depth)
        else:
            value, position = _other(text, entry, indent, depth)
        if key in found or key in WORDS or len(key) > MAX_KEY_LENGTH:
            raise _DeclinedError
        found[key] = value
        entry = entry_at(text, position)
    return found, position


def _sequence(text: str, position: int, indent: int, depth: int) -> tuple[list[Any], int]:
    """The block sequence whose first dash is at `position`, and where it ends."""
    if depth > MAX_DEPTH:
        raise _DeclinedError
    element_at = _element_at(indent)
    found: list[Any] = []
    element = _first_element(text, position)
    if element is None:
        raise _DeclinedError
    while element is not None:
        form, position = element.lastindex, element.end()
        if form == _PLAIN:
            value = element[_PLAIN].rstrip(" ")
            value = number(value) if value[0] in NUMERIC_STARTS else WORDS.get(value, value)
        elif form == _NOTHING:
            value, position = _mapping(text, position, indent + 1 + len(element[1]), depth + 1)
        else:
            value, position = _other(text, element, indent, depth)
        found.append(value)
        element = element_at(text, position)
    return found, position


def _nested(text: str, position: int, indent: int, depth: int) -> tuple[Any, int]:
    """The value of a key that has none on its own line: a block collection below it, or null."""
    line = _next_line(text, position)
    assert line is not None  # the pattern matches the empty text, too
    deeper = len(line[1]) - indent
    if line[2] is not None and deeper >= 0:
        return _sequence(text, line.end() - 1, len(line[1]), depth + 1)
    if deeper > 0:
        return _mapping(text, line.end(), len(line[1]), depth + 1)
    return None, position


def _other(text: str, line: re.Match[str], indent: int, depth: int) -> tuple[Any, int]:
    """The value on a line that is not plain, and where the next line begins."""
    form = line.lastindex or _NOTHING
    if form in _QUOTED_FORMS:
        return line[form], line.end()
    if form == _LITERAL:
        return _literal(text, line.end(), indent, line[_LITERAL])
    if depth >= MAX_DEPTH:
        raise _DeclinedError
    if form == _FLAT_ONE:
        return _flat_mapping(line[_FLAT_ONE]).copy(), line.end()
    read = _flow_mapping if line[_OPENING] == "{" else _flow_sequence
    value, position = read(text, line.end(), depth + 1)
    ended = _end_of_line(text, position)
    if ended is None:
        raise _DeclinedError
    return value, ended.end()


def _literal(text: str, position: int, indent: int, header: str) -> tuple[str, int]:
    """The literal block whose first line begins at `position`."""
    first = _first_line(text, position)
    if first is None or len(first[1]) <= indent:
        raise _DeclinedError
    lines = _literal_lines(len(first[1]))(text, position)
    if _spaces_only(text, lines.end()):  # part of the block, though less indented
        raise _DeclinedError
    content = lines[0].replace("\n" + first[1], "\n")[len(first[1]) :].rstrip("\n")
    return content if header == "|-" else content + "\n", lines.end()


def _flow_mapping(text: str, position: int, depth: int) -> tuple[dict[str, Any], int]:
    """The flow mapping whose brace was read just before `position`, and where it ends."""
    if depth > MAX_DEPTH:
        raise _DeclinedError
    flat = _flat(text, position)
    if flat is not None:
        return _flat_mapping(flat[0]).copy(), flat.end()
    return _pairs(text, position, depth)


@lru_cache(maxsize=4096)
def _flat_mapping(inside: str) -> dict[str, Any]:
    """Mappings of scalars, such as `type: text, required: true}`, recur all over: each is read once."""
    return _pairs(inside, 0, 1)[0]


def _pairs(text: str, position: int, depth: int) -> tuple[dict[str, Any], int]:
    """The pairs of a flow mapping up to its closing brace, and where that ends."""
    found: dict[str, Any] = {}
    while True:
        pair = _pair(text, position)
        if pair is None:
            raise _DeclinedError
        key, plain, double, single, mark, closing = pair.groups()
        position = pair.end()
        if closing is not None:
            return found, position
        if plain is not None:
            value = plain.rstrip(" ")
            value = number(value) if value[0] in NUMERIC_STARTS else WORDS.get(value, value)
        else:
            value = double if double is not None else single
        if (value is None and plain is None) is (mark in ",}"):
            raise _DeclinedError
        if mark == "{":
            value, position, mark = _inner(text, _flow_mapping(text, position, depth + 1))
        elif mark == "[":
            value, position, mark = _inner(text, _flow_sequence(text, position, depth + 1))
        if key in found or key in WORDS or len(key) > MAX_KEY_LENGTH:
            raise _DeclinedError
        found[key] = value
        if mark == "}":
            return found, position
        if mark != ",":
            raise _DeclinedError


def _flow_sequence(text: str, position: int, depth: int) -> tuple[list[Any], int]:
    """The flow sequence whose bracket was read just before `position`, and where it ends."""
    if depth > MAX_DEPTH:
        raise _DeclinedError
    found: list[Any] = []
    while True:
        item = _item(text, position)
        if item is None:
            raise _DeclinedError
        plain, double, single, mark = item.groups()
        position = item.end()
        if plain is not None:
            value = plain.rstrip(" ")
            value = number(value) if value[0] in NUMERIC_STARTS else WORDS.get(value, value)
        else:
            value = double if double is not None else single
        present = plain is not None or value is not None
        if mark == "{" and not present:
            value, position, mark = _inner(text, _flow_mapping(text, position, depth + 1))
        elif mark == "[" and not present:
            value, position, mark = _inner(text, _flow_sequence(text, position, depth + 1))
        elif mark == "]" and not present:
            return found, position
        elif not present:
            raise _DeclinedError
        found.append(value)
        if mark == "]":
            return found, position
        if mark != ",":
            raise _DeclinedError


def _inner(text: str, read: tuple[Any, int]) -> tuple[Any, int, str]:
    """A collection inside another, where the mark after it ends, and which mark that is."""
    value, position = read
    after = _after(text, position)
    if after is None:
        raise _DeclinedError
    return value, after.end(), after[1]

"""Where the values of a document stand: worked out once something is wrong, as reading keeps no positions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from yaml.events import MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent

from reconciler.manifests.construct import construct, new_parser
from reconciler.manifests.reading_error import ReadingError
from reconciler.manifests.text import Segment, decode, segments
from reconciler.spec.findings import Path

_ESCAPE_DIGITS = {"x": 2, "u": 4, "U": 8}


def locate(
    data: bytes, index: int, path: Path, at_key: bool = False, offset: int | None = None
) -> tuple[int, int]:
    """Line and column, from 1, of a value in document `index` of a file that has been read without a problem.

    `at_key` asks for its key's place, `offset` for that of a character of a text. A path that leads nowhere
    gives the place of the innermost collection on its way; a file that no longer reads as it did, its start.
    """
    try:
        segment = segments(decode(data))[index]
    except (ReadingError, IndexError):
        return 1, 1
    value, errors = construct(segment.text)
    if errors or value is None:
        return 1, 1
    return Positions(segment).of(path, at_key=at_key, offset=offset)


@dataclass(slots=True)
class _Place:
    """A value: the parser's marks of it and of its key, if it has one, and what is inside it."""

    start: Any
    end: Any
    style: str = ""
    text: str = ""
    key: Any = None
    inside: dict[str | int, _Place] = field(default_factory=dict)


class Positions:
    """The places of all values of one document that `construct` has read without a refusal."""

    def __init__(self, segment: Segment) -> None:
        self._text = segment.text
        self._line = segment.line
        following = new_parser(segment.text).get_event
        following()  # start of the stream
        following()  # start of the document
        self._root = _place(following(), following)

    def of(self, path: Path, *, at_key: bool = False, offset: int | None = None) -> tuple[int, int]:
        """Line and column, from 1, of the value at the path, or of the innermost collection on its way.

        `at_key` asks for the place of its key, `offset` for that of a character of a text.
        """
        place = self._root
        for part in path:
            inner = place.inside.get(part)
            if inner is None:
                break
            place = inner
        else:
            if at_key and place.key is not None:
                return self._line + place.key.line + 1, place.key.column + 1
            if offset:
                return self._of_character(place, offset)
        return self._line + place.start.line + 1, place.start.column + 1

    def _of_character(self, place: _Place, offset: int) -> tuple[int, int]:
        source = self._text[place.start.index : place.end.index]
        at = place.start.index + _source_offset(source, place, offset)
        line_start = self._text.rfind("\n", 0, at) + 1
        return self._line + self._text.count("\n", 0, at) + 1, at - line_start + 1


def _place(event: Any, following: Callable[[], Any]) -> _Place:
    place = _Place(event.start_mark, event.end_mark)
    if event.__class__ is ScalarEvent:
        place.style, place.text = event.style or "", event.value
    elif event.__class__ is MappingStartEvent:
        while (key := following()).__class__ is not MappingEndEvent:
            value = _place(following(), following)
            value.key = key.start_mark
            place.inside[key.value] = value
    else:
        while (item := following()).__class__ is not SequenceEndEvent:
            place.inside[len(place.inside)] = _place(item, following)
    return place


def _source_offset(source: str, place: _Place, offset: int) -> int:
    """Where in its source the character `offset` of a scalar stands.

    Folding, indentation and line ends change white space only, so all other characters are counted.
    """
    position = {"": 0, "|": source.find("\n") + 1, ">": source.find("\n") + 1}.get(place.style, 1)
    remaining = len("".join(place.text[:offset].split()))
    while remaining and position < len(source):
        length, is_space = _unit(source, position, place.style)
        position += length
        remaining -= not is_space
    if place.text[offset : offset + 1].isspace():
        return position
    while position < len(source):
        length, is_space = _unit(source, position, place.style)
        if not is_space:
            break
        position += length
    return position


def _unit(source: str, position: int, style: str) -> tuple[int, bool]:
    """Length in the source of the character that begins at `position`, and whether it is white space."""
    character = source[position]
    if style == "'" and source.startswith("''", position):
        return 2, False
    if style != '"' or character != "\\":
        return 1, character.isspace()
    escape = source[position + 1]
    digits = _ESCAPE_DIGITS.get(escape)
    if digits is None:
        return 2, escape in "tnvfrNLP_ \n\t"
    return 2 + digits, chr(int(source[position + 2 : position + 2 + digits], 16)).isspace()

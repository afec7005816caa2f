"""A linear regular expression -> texts that may match it.

Reads the part of the notation that both engines share: literals, classes, groups, alternatives, repetitions. What
makes no text (word borders, flags) it passes over: whoever asks checks what comes out.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from random import Random

Making = Callable[[Random, int], str]
"""Randomness and how many times more than it must something is repeated -> a text."""

PRINTABLE = "".join(chr(code) for code in range(32, 127))
_WORD = string.ascii_letters + string.digits + "_"
_CLASSES = {
    "d": string.digits,
    "w": _WORD,
    "s": " ",
    "D": "".join(c for c in PRINTABLE if c not in string.digits),
    "W": "".join(c for c in PRINTABLE if c not in _WORD),
    "S": PRINTABLE.strip(),
}
_CATEGORIES = {
    "L": string.ascii_letters,
    "Lu": string.ascii_uppercase,
    "Ll": string.ascii_lowercase,
    "N": string.digits,
    "Nd": string.digits,
    "P": "!,.-?",
}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_NOTHING = "bBAzZ"
"""Escapes that stand for a place and not for a character."""
_MOST = 200
"""Repetitions that nobody asks for beyond this."""


def text_matching(pattern: str, random: Random, stretch: int) -> str | None:
    """A text made along the pattern; None where the pattern is beyond what is read here."""
    making = _read(pattern)
    return None if making is None else making(random, stretch)


class _UnreadError(Exception):
    pass


@lru_cache(maxsize=1024)
def _read(pattern: str) -> Making | None:
    reader = _Reader(pattern)
    try:
        making = reader.alternatives()
    except (_UnreadError, IndexError, ValueError):
        return None
    return making if reader.at_end else None


@dataclass
class _Reader:
    text: str
    place: int = 0

    @property
    def at_end(self) -> bool:
        return self.place >= len(self.text)

    def alternatives(self) -> Making:
        branches = [self._sequence()]
        while self._took("|"):
            branches.append(self._sequence())
        return lambda random, stretch: random.choice(branches)(random, stretch)

    def _sequence(self) -> Making:
        parts: list[Making] = []
        while not self.at_end and self.text[self.place] not in "|)":
            parts.append(self._repeated(self._atom()))
        return lambda random, stretch: "".join(part(random, stretch) for part in parts)

    def _atom(self) -> Making:
        match self._next():
            case "(":
                return self._group()
            case "[":
                return _one_of(self._class())
            case ".":
                return _one_of(PRINTABLE)
            case "^" | "$":
                return _one_of("")
            case "\\":
                return _one_of(self._escape())
            case character:
                return _one_of(character)

    def _group(self) -> Making:
        if self._took("?") and not self._opens():
            return _one_of("")
        inner = self.alternatives()
        if not self._took(")"):
            raise _UnreadError
        return inner

    def _opens(self) -> bool:
        """Passes over a group's name or flags; whether the group has anything in it."""
        if self._took("P<") or self._took("<"):
            self.place = self.text.index(">", self.place) + 1
            return True
        while not self._took(":"):
            if self._took(")"):
                return False
            if self._next() not in "imsUuxR-":
                raise _UnreadError
        return True

    def _repeated(self, making: Making) -> Making:
        least, most = self._counts()
        if (least, most) == (1, 1):
            return making
        self._took("?")

        def repeat(random: Random, stretch: int) -> str:
            upper = least + stretch if most is None else min(most, least + stretch)
            count = random.randint(least, max(least, min(upper, _MOST + least)))
            return "".join(making(random, stretch) for _ in range(count))

        return repeat

    def _counts(self) -> tuple[int, int | None]:
        for mark, counts in {"*": (0, None), "+": (1, None), "?": (0, 1)}.items():
            if self._took(mark):
                return counts
        if not self._took("{"):
            return 1, 1
        end = self.text.index("}", self.place)
        least, comma, most = self.text[self.place : end].partition(",")
        self.place = end + 1
        return int(least or 0), (int(most) if most else None) if comma else int(least)

    def _class(self) -> str:
        negated = self._took("^")
        members: set[str] = set()
        first = True
        while first or not self._took("]"):
            first = False
            members |= self._members()
        if not negated:
            return "".join(sorted(members))
        return "".join(c for c in PRINTABLE if c not in members)

    def _members(self) -> set[str]:
        low = self._member()
        if len(low) != 1 or self.text[self.place] != "-" or self.text[self.place + 1] == "]":
            return set(low)
        self.place += 1
        high = self._member()
        if len(high) != 1 or ord(high) - ord(low) > 0x3000:
            raise _UnreadError
        return {chr(code) for code in range(ord(low), ord(high) + 1)}

    def _member(self) -> str:
        character = self._next()
        if character == "[":
            raise _UnreadError
        return self._escape() if character == "\\" else character

    def _escape(self) -> str:
        character = self._next()
        if character == "x":
            digits = self.text[self.place : self.place + 2]
            self.place += 2
            return chr(int(digits, 16))
        if character == "p":
            return self._category()
        if character in _NOTHING:
            return ""
        if character in _CLASSES or character in _CONTROLS:
            return _CLASSES.get(character) or _CONTROLS[character]
        if character.isalnum():
            raise _UnreadError
        return character

    def _category(self) -> str:
        name = self._next()
        if name == "{":
            end = self.text.index("}", self.place)
            name, self.place = self.text[self.place : end], end + 1
        if name not in _CATEGORIES:
            raise _UnreadError
        return _CATEGORIES[name]

    def _next(self) -> str:
        self.place += 1
        return self.text[self.place - 1]

    def _took(self, text: str) -> bool:
        found = self.text.startswith(text, self.place)
        self.place += len(text) if found else 0
        return found


def _one_of(characters: str) -> Making:
    return lambda random, stretch: random.choice(characters) if characters else ""

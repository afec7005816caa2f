"""Tones of terminal text, and what keeps foreign text from speaking to the terminal."""

from __future__ import annotations

from enum import StrEnum


class Tone(StrEnum):
    """What a piece of text means; each value is the ANSI attribute it is drawn with."""

    PLAIN = ""
    STRONG = "1"
    FAINT = "2"
    ADD = "32"
    CHANGE = "33"
    REMOVE = "31"
    WARN = "33;1"
    STOP = "31;1"


TONE_OF_GLYPH = {"+": Tone.ADD, "~": Tone.CHANGE, "-": Tone.REMOVE}


def paint(text: str, tone: Tone, colour: bool) -> str:
    """The text in its tone; unchanged without colour, so that glyphs and words must carry the meaning."""
    return f"\x1b[{tone.value}m{text}\x1b[0m" if colour and tone.value and text else text


def printable(text: str) -> str:
    """One line of text with every control, bidi or unassigned character spelled out.

    Names found in a database and values of manifests are shown, but may not move the cursor or reorder
    a line.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)

"""Texts of strangers put into Markdown so that they stay texts: no markup, no links, no HTML, no second line.

Whatever comes out of a manifest passes `prose`, `code` or `fence`; nothing else writes it down.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>&:@/=^$'\"])")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_HARMLESS = re.compile(r"(?<=\w)[-.:/'=@](?=\w)|(?<=\w)[-.:/']|[-.:/=(),'\"](?= )")
"""Where signs mean nothing, so that common texts can be read as they are."""
_NUMBERED = re.compile(r"^(\d+)([.)])")
_BACKTICKS = re.compile(r"`+")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Categories of characters that move, hide or break what stands around them."""


def prose(text: str) -> str:
    """The text as one line of running text."""
    return _NUMBERED.sub(r"\1\\\2", _MARKUP.sub(_escaped, one_line(text)))


def code(text: str) -> str:
    """The text as a code span, also in a table's cell."""
    line = one_line(text)
    if not line:
        return ""
    fence = "`" * (1 + max((len(run) for run in _BACKTICKS.findall(line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}".replace("|", "\\|")


def fence(text: str, language: str = "") -> list[str]:
    """The text as a block of code, as many lines as it has."""
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    marks = "`" * max(3, longest + 1)
    visible = "\n".join(visible_line(line) for line in text.splitlines())
    return [f"{marks}{language}", visible, marks, ""]


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Cells are Markdown already. Nothing where there are no rows."""
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    if not lines:
        return []
    return [f"| {' | '.join(heads)} |", f"|{'|'.join(' --- ' for _ in heads)}|", *lines, ""]


def one_line(text: str) -> str:
    return " ".join(visible_line(text).split())


def visible_line(text: str) -> str:
    """Without characters that would move, hide or break what stands around them."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(" " if unicodedata.category(char) in _UNSEEN else char for char in text)


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    if character in _ENTITIES:
        return _ENTITIES[character]
    within = match.start() > 0 and _HARMLESS.match(match.string, match.start())
    return character if within else f"\\{character}"

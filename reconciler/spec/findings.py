"""A finding: something wrong inside one spec, before it is known where in which file that is."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """`path` leads from the document's root to the value (`("spec", "pipeline", 0, "with", "model")`).

    `at_key` points at the mapping key rather than its value; `offset` is a 0-based position inside a text
    value.
    """

    code: str
    message: str
    path: Path
    hint: str = ""
    severity: Literal["error", "warning"] = "error"
    at_key: bool = False
    offset: int | None = None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean \\`subject\\`?`, or the known names when there are few, or nothing."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    if 0 < len(names) <= 12:
        return "known here: " + ", ".join(f"`{name}`" for name in names)
    return ""


def pointer(path: Path) -> str:
    """RFC 6901 JSON pointer of a path."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)

"""Names as TypeScript has them, and literals that nothing can end early."""

from __future__ import annotations

import json
import re
from typing import Any

_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


def pascal(name: str) -> str:
    """`email-analysis` -> `EmailAnalysis`. A digit behind a separator keeps it apart: `a-1` and `a1` differ."""
    parts = re.split(r"[-_]", name)
    joined = parts[0].capitalize()
    for part in parts[1:]:
        joined += ("_" if part[:1].isdigit() else "") + part.capitalize()
    return joined


def literal(value: Any) -> str:
    """A JSON value as source text, in ASCII: nothing in it ends a line, and `</` no script around it."""
    text = json.dumps(value, ensure_ascii=True)
    return text.replace("</", "<\\/")


def key(name: str) -> str:
    """A name as the key of an object."""
    return name if _IDENTIFIER.fullmatch(name) else literal(name)


def comment(text: str) -> str:
    """The text as a comment of one line that it cannot end."""
    return "/** " + " ".join(text.replace("*/", "* /").split()) + " */"

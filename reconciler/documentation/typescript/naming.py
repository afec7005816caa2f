"""Names as TypeScript has them, and literals that nothing can end early."""

from __future__ import annotations

import json
import re
from typing import Any

from reconciler.documentation.markdown import one_line

_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


def pascal(name: str) -> str:
    """`email-analysis` -> `EmailAnalysis`. A digit behind a separator keeps it apart: `a-1` and `a1` differ."""
    parts = re.split(r"[-_]", name)
    joined = parts[0].capitalize()
    for part in parts[1:]:
        joined += ("_" if part[:1].isdigit() else "") + part.capitalize()
    return joined


def camel(name: str) -> str:
    joined = pascal(name)
    return joined[0].lower() + joined[1:]


def row_name(type_name: str, model: str) -> str:
    """`EmailAnalysis_ActionItemRow`. Without the underscore `a-b` with `c` and `a` with `b_c` would meet."""
    return f"{pascal(type_name)}_{pascal(model)}Row"


def literal(value: Any) -> str:
    """A JSON value as source text, in ASCII: nothing in it ends a line, and `</` no script around it."""
    text = json.dumps(value, ensure_ascii=True)
    return text.replace("</", "<\\/")


def key(name: str) -> str:
    """A name as the key of an object."""
    return name if _IDENTIFIER.fullmatch(name) else literal(name)


def comment(text: str) -> str:
    """The text as a comment of one line that nothing in it ends, reorders or hides."""
    return f"/** {one_line(text).replace('*/', '* /').replace('</', '< /')} */"

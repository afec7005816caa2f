"""Patterns that say where they match. `spec.patterns` only says whether: its engine gives no positions to Python.

RE2 is linear too and its dialect nearly the same; what extracts text must be a pattern of both.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2  # type: ignore[import-untyped]


@lru_cache(maxsize=512)
def compiled(pattern: str) -> Any:
    """Raises ValueError, whose message says why it is none."""
    options = re2.Options()
    options.log_errors = False  # to the standard error stream, as it would
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        raise ValueError(_reason(error)) from None


def re2_problem(pattern: str) -> str:
    """Why a text is no pattern of RE2; empty if it is one."""
    try:
        compiled(pattern)
    except ValueError as error:
        return str(error)
    return ""


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)

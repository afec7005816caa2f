"""Values that both databases can keep as they are: texts and JSON."""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy.exc import DontWrapMixin

from reconciler.errors import DatabaseError


class UnfitValue(DatabaseError, DontWrapMixin):
    """A value that its column cannot hold. The message never carries the value, which may be sensitive."""

    code = "unfit-value"
    http_status = 422


def check_text(value: str) -> None:
    """Raises UnfitValue for NUL, which PostgreSQL does not know, and for half a surrogate pair."""
    if value.isascii():
        if "\0" not in value:
            return
    elif "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value):
        return
    raise UnfitValue("a text cannot hold NUL characters or lone surrogates")


def check_json(value: Any) -> None:
    """Raises UnfitValue for what JSON does not know, or would bring back as something else."""
    match value:
        case str():
            check_text(value)
        case dict():
            for key, item in value.items():
                if not isinstance(key, str):
                    raise UnfitValue("the keys of a JSON object are texts")
                check_text(key)
                check_json(item)
        case list() | tuple():
            for item in value:
                check_json(item)
        case float():
            if not math.isfinite(value):
                raise UnfitValue("JSON has no number that is not finite")
        case None | bool() | int():
            pass
        case _:
            raise UnfitValue(f"a {type(value).__name__} is no JSON value")

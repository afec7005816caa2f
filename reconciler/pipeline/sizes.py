"""How large values are as JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson


def json_size(value: Any) -> int:
    """Bytes. Raises TypeError for what has no JSON."""
    return len(orjson.dumps(value, default=_plain))


def size_or_none(value: Any) -> int:
    """The same for a trace, where 0 stands for what cannot be measured."""
    try:
        return json_size(value)
    except TypeError:
        return 0


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"a {type(value).__name__} is no JSON value")

"""JSON as it is kept in texts of the catalog."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson


def to_json(value: Any) -> str:
    """Compact; decimals as texts of their digits, dataclasses as objects. TypeError for what has no JSON."""
    try:
        return orjson.dumps(value, default=_plain).decode()
    except TypeError:
        # Integers beyond 64 bits and halves of surrogate pairs: as rare as they are legal.
        return json.dumps(value, default=_plain, separators=(",", ":"), allow_nan=False)


def from_json(text: str) -> Any:
    # Not orjson: it would read an integer beyond 64 bits as a float.
    return json.loads(text)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} is no JSON value")

"""The base of every spec model, and the notations of names, durations, sizes and rates.

A notation is kept as the number it means (seconds, bytes) and written back in its shortest notation,
so that `90s` and `1m30s` are the same spec.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

TYPE_NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
FIELD_NAME = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
NAME_LENGTH = 40

TypeName = Annotated[str, StringConstraints(pattern=TYPE_NAME, max_length=NAME_LENGTH)]
FieldName = Annotated[str, StringConstraints(pattern=FIELD_NAME, max_length=NAME_LENGTH)]
LabelValue = Annotated[str, StringConstraints(max_length=63)]


class SpecModel(BaseModel):
    """Frozen, closed: an unknown key is an error, a value is never silently converted to another type."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        populate_by_name=True,
        hide_input_in_errors=True,
        use_enum_values=False,
    )


_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SIZE_UNITS = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9}
_SIZE = re.compile(r"^(\d{1,15})(Ki|Mi|Gi|Ti|k|M|G)?$")
_RATE = re.compile(r"^(\d{1,9})/(second|minute|hour|day)$")
RATE_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


def parse_duration(value: Any) -> float:
    """`90s`, `1m30s`, `250ms` or a plain number of seconds -> seconds."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = float(value)
    elif isinstance(value, str) and len(value) <= 40 and _DURATION.sub("", value) == "" and value:
        seconds = sum(float(n) * _DURATION_UNITS[unit] for n, unit in _DURATION.findall(value))
    else:
        raise PydanticCustomError(
            "duration", "not a duration; write a number with a unit, such as 90s, 5m or 1h30m"
        )
    if not 0 < seconds <= 366 * 86400:
        raise PydanticCustomError("duration", "a duration lies between 1ms and 366d")
    return seconds


def format_duration(seconds: float) -> str:
    """Seconds in the shortest exact notation: 90.0 -> `90s`, 3600 -> `1h`, 0.25 -> `250ms`."""
    if seconds != int(seconds):
        return f"{round(seconds * 1000)}ms"
    whole = int(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole >= size and whole % size == 0:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def parse_size(value: Any) -> int:
    """`256Mi`, `10k` or a plain number of bytes -> bytes."""
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    elif isinstance(value, str) and (match := _SIZE.match(value)):
        size = int(match[1]) * _SIZE_UNITS[match[2] or ""]
    else:
        raise PydanticCustomError(
            "size", "not a size; write bytes or a number with Ki, Mi or Gi, such as 256Mi"
        )
    if not 0 < size <= 2**50:
        raise PydanticCustomError("size", "a size lies between 1 byte and 1024Ti")
    return size


def format_size(size: int) -> str:
    for unit in ("Ti", "Gi", "Mi", "Ki"):
        if size % _SIZE_UNITS[unit] == 0:
            return f"{size // _SIZE_UNITS[unit]}{unit}"
    return str(size)


def parse_rate(value: Any) -> str:
    if isinstance(value, str) and (match := _RATE.match(value)) and int(match[1]) > 0:
        return f"{int(match[1])}/{match[2]}"
    raise PydanticCustomError(
        "rate", "not a rate; write a count per second, minute, hour or day, such as 10/hour"
    )


def rate_per_second(rate: str) -> float:
    count, unit = rate.split("/")
    return int(count) / RATE_SECONDS[unit]


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(
        {"type": ["string", "number"], "examples": ["90s", "5m"], "pattern": r"^(\d+(\.\d+)?(ms|s|m|h|d))+$"}
    ),
]
Size = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(format_size, return_type=str),
    WithJsonSchema(
        {"type": ["string", "integer"], "examples": ["256Mi"], "pattern": r"^\d{1,15}(Ki|Mi|Gi|Ti|k|M|G)?$"}
    ),
]
Rate = Annotated[
    str,
    BeforeValidator(parse_rate),
    WithJsonSchema(
        {"type": "string", "examples": ["10/hour"], "pattern": r"^\d{1,9}/(second|minute|hour|day)$"}
    ),
]

"""The clock of a process whose PYTHONPATH leads here is off by CLOCK_IS_OFF_BY seconds, whatever way it asks.

Imported by Python itself before anything else is.
"""

from __future__ import annotations

import datetime
import os
import time
from typing import Any

OFF = float(os.environ.get("CLOCK_IS_OFF_BY", "0"))
_time, _time_ns = time.time, time.time_ns


def _is_off() -> float:
    return _time() + OFF


def _is_off_in_ns() -> int:
    return _time_ns() + int(OFF * 1_000_000_000)


class _Kind(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _Datetime)


_Datetime = datetime.datetime


class OffDatetime(_Datetime, metaclass=_Kind):
    """As the one of the library, but for what time it is."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return cls.fromtimestamp(_is_off(), tz)

    @classmethod
    def today(cls) -> Any:
        return cls.now()


if OFF:
    time.time, time.time_ns = _is_off, _is_off_in_ns
    datetime.datetime = OffDatetime  # type: ignore[misc]

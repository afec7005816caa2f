"""Calls that may not come back, watched from outside."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from reconciler.errors import TimedOut

GLANCE = 0.1
"""Seconds between two looks at whether the task goes on at all."""


def watched(call: Callable[[], Any], deadline: float, check: Callable[[], None]) -> Any:
    """What the call gives or raises, unless it is still at it at the deadline: then it is left alone, in a thread of
    its own that ends with the process. Raises TimedOut, and what `check` raises in between."""
    ends: SimpleQueue[tuple[bool, Any]] = SimpleQueue()

    def work() -> None:
        try:
            ends.put((True, call()))
        except BaseException as error:
            ends.put((False, error))

    threading.Thread(target=work, name="watched-call", daemon=True).start()
    while (left := deadline - time.monotonic()) > 0:
        try:
            returned, value = ends.get(timeout=min(left, GLANCE))
        except Empty:
            check()
            continue
        if returned:
            return value
        raise value
    raise TimedOut("the step took longer than it may", hint="raise its `timeout`, or have it do less")

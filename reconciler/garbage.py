"""Python's search for garbage, kept from looking through what is known to stay."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def not_collected() -> Iterator[None]:
    """No search inside: for work that makes objects by the hundred thousand and lets go of few.

    The search comes again whenever their number has grown by a quarter, and looks through all of them.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()

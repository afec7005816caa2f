"""Python's search for garbage, kept from looking through what is known to stay."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = 50_000
"""New objects between two searches. Python's own 700 are soon reached: by importing alone, dozens of times."""


def search_seldom() -> None:
    """For a process that mostly loads what it keeps: searches cost a command a tenth of its time, and find nothing."""
    gc.set_threshold(SELDOM, 10, 10)


def settled() -> None:
    """For a process that has loaded what it keeps, and works from now on: that is never looked through again."""
    search_seldom()
    gc.collect()
    gc.freeze()


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

"""Rows of text as aligned columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.plans.render.ink import printable


def aligned(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The heads and the rows, columns two apart, each as wide as its widest cell; no line ends in a blank."""
    cells = [tuple(heads), *(tuple(printable(cell) for cell in row) for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def moment(time: str | None) -> str:
    """An ISO 8601 time in UTC as people read it: `2026-11-22 16:00:00`."""
    return (time or "")[:19].replace("T", " ")

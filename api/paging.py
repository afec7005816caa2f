"""Lists that are made in memory, sorted and cut into pages. A cursor holds the last item's place in the order."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, TypeVar

import orjson
from fastapi import Query

from api.wire import Page
from reconciler.errors import UsageError

T = TypeVar("T")
Place = tuple[str, str]
"""What an item is sorted by, and its name, which no other has."""

Limit = Annotated[int, Query(ge=1, le=1000, description="Most items of the page.")]
Cursor = Annotated[
    str, Query(max_length=2000, description="The `next` of the page before: go on behind it.", examples=[""])
]
Sort = Annotated[
    str,
    Query(
        pattern="^-?[a-z_]{1,30}$",
        description="Field to sort by, `-` in front: descending.",
        examples=["name"],
    ),
]


def page_of(
    items: Iterable[T],
    *,
    by: dict[str, Callable[[T], str]],
    name: Callable[[T], str],
    sort: str,
    cursor: str,
    limit: int,
) -> Page[T]:
    """`by` gives the text an item is sorted by, for each field there is. Raises UsageError."""
    field = sort.removeprefix("-")
    if field not in by:
        raise UsageError(f"the list is not sorted by {field[:40]}", where="sort", hint=f"by {', '.join(by)}")
    key = by[field]

    def place(item: T) -> Place:
        return key(item), name(item)

    descending = sort.startswith("-")
    ordered: Sequence[T] = sorted(items, key=place, reverse=descending)
    if cursor:
        last = _place(cursor)
        ordered = [item for item in ordered if (place(item) < last if descending else place(item) > last)]
    more = len(ordered) > limit
    shown = list(ordered[:limit])
    return Page(items=shown, next=_cursor(place(shown[-1])) if more else None)


def _cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def _place(cursor: str) -> Place:
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key, name = orjson.loads(data)
    except (binascii.Error, ValueError, TypeError):
        key = name = None
    if not isinstance(key, str) or not isinstance(name, str):
        raise UsageError(
            "that is no cursor of this list",
            where="cursor",
            hint="give the `next` of the page before, as it is",
        )
    return key, name

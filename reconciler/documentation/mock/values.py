"""One value that fits a field, of every type. `None` where none was found: then none may exist."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from random import Random
from typing import Any
from uuid import UUID

from reconciler.documentation.mock.patterns import text_matching
from reconciler.spec.exact import exact
from reconciler.spec.fields import FieldSpec, FieldType, ItemSpec, StringFormat
from reconciler.spec.formats import utc_text
from reconciler.spec.literals import check_literal, decimal_digits

Field = FieldSpec | ItemSpec

SAFE_INTEGER = 2**53 - 1
"""Beyond it JavaScript's numbers lose digits."""
ATTEMPTS = 400
_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_WORDS = [
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "harbour",
    "island",
    "juniper",
    "kernel",
    "lantern",
    "meadow",
    "north",
    "orchard",
    "pebble",
    "quartz",
    "river",
    "summit",
    "timber",
    "upland",
    "valley",
    "willow",
    "yonder",
]


def fitting_value(field: Field, random: Random) -> Any:
    """A value that the field's own rules take, as JSON writes it; None where none was found."""
    for candidate in islice(_CANDIDATES[field.type](field, random), ATTEMPTS):
        if candidate is not None and not any(check_literal(candidate, field, ())):
            return candidate
    return None


def _texts(field: Field, random: Random) -> Iterator[str]:
    least = (field.min_length if isinstance(field, FieldSpec) else None) or 0
    most = field.max_length
    for attempt in range(ATTEMPTS):
        if field.pattern is not None:
            stretch = (3, 0, 1, 8, 20, max(1, least))[attempt % 6]
            text = text_matching(field.pattern, random, stretch)
            if text is not None:
                yield text
                # Where the pattern is satisfied somewhere within, the rest is free.
                filling = "x" * max(0, least - len(text) - 1)
                yield f"{text} {filling}"
                yield f"{filling} {text}"
                yield text + filling + "x"
        if field.format is not None:
            yield _formatted(field.format, random, _room(attempt, least, most))
        elif field.pattern is None or attempt >= ATTEMPTS // 4:
            yield _words(random, least, most)


def _room(attempt: int, least: int, most: int | None) -> int:
    """How long the free part of a well-known shape is to be: first as is usual, then as the bounds ask for."""
    usual = min(12, most or 12)
    tried = (usual, max(1, least - 12), max(1, least - 6), least, 1, 2, 3, 5)
    return max(1, tried[attempt % len(tried)] + attempt // len(tried) % 8)


def _words(random: Random, least: int, most: int | None) -> str:
    text = " ".join(random.choices(_WORDS, k=random.randint(2, 4)))
    while len(text) < least:
        text += " " + random.choice(_WORDS) + "." * min(8, max(0, (least - len(text)) // 1000))
    upper = len(text) if most is None else min(most, len(text))
    cut = text[: max(upper, 0)]
    return cut if cut == cut.strip() or not cut.strip() else cut.strip().ljust(len(cut), "x")


def _formatted(form: StringFormat, random: Random, room: int) -> str:
    word = "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=room))
    number = random.randint(1, 254)
    match form:
        case StringFormat.EMAIL:
            return (
                f"{word[:60]}@{_labels(word[60:])}example.com"
                if room > 4
                else f"{word}@{random.choice('abc')}"
            )
        case StringFormat.URI:
            return f"https://example.com/{word}" if room > 4 else f"{word}:a"
        case StringFormat.HOSTNAME:
            return f"{_labels(word)}example.com" if room > 4 else word
        case StringFormat.IPV4:
            return f"192.0.2.{number}" if room > 4 else f"1.{number % 9}.1.{number % 7}"
        case StringFormat.IPV6:
            return f"2001:db8::{number:x}" if room > 4 else f"::{number % 16:x}"
        case StringFormat.SLUG:
            return f"{random.choice(_WORDS)}-{word}" if room > 4 else word


def _labels(text: str) -> str:
    """The text as labels of a host's name, none of them too long."""
    return "".join(f"{text[at : at + 40]}." for at in range(0, len(text), 40))


def _integers(field: Field, random: Random) -> Iterator[int]:
    least = -SAFE_INTEGER if field.min is None else math.ceil(field.min)
    most = SAFE_INTEGER if field.max is None else math.floor(field.max)
    near = (max(least, 0), min(most, max(least, 0) + 1000))
    while True:
        if near[0] <= near[1]:
            yield random.randint(*near)
        yield random.choice((least, most))


def _numbers(field: Field, random: Random) -> Iterator[float]:
    most = math.inf if field.max is None else float(field.max)
    low = min(0.0, most - 100) if field.min is None else float(field.min)
    high = min(most, low + 100)
    while True:
        yield round(random.uniform(low, high), 2)
        yield random.uniform(low, high)
        yield from (float(bound) for bound in (field.min, field.max) if bound is not None)


def _decimals(field: Field, random: Random) -> Iterator[str]:
    precision, scale = decimal_digits(field)
    step = Decimal(1).scaleb(-scale)
    bound = Decimal(10) ** (precision - scale) - step
    high = bound if field.max is None else min(Decimal(str(field.max)), bound)
    low = min(Decimal(0), high - 1000) if field.min is None else Decimal(str(field.min))
    low, high = max(low, -bound), min(high, low + 1000)
    first, last = int((low / step).to_integral_value("ROUND_CEILING")), int(high / step)
    while True:
        if first <= last:
            yield f"{exact(Decimal(random.randint(first, last)) * step, scale):f}"
        yield f"{exact(random.choice((low, high)), scale):f}"


def _moments(field: Field, random: Random) -> Iterator[str]:
    while True:
        yield utc_text(_DAY + timedelta(seconds=random.randrange(365 * 86400)))


def _lists(field: Field, random: Random) -> Iterator[list[Any]]:
    least = (field.min_length if isinstance(field, FieldSpec) else None) or 0
    most = field.max_length if field.max_length is not None else least + 3
    items = field.items if isinstance(field, FieldSpec) else None
    item = items or ItemSpec(type=FieldType.STRING)
    while True:
        count = random.randint(max(least, min(1, most)), min(most, least + 3))
        made = [fitting_value(item, random) for _ in range(count)]
        yield [] if None in made and not least else made


def _bytes(field: Field, random: Random) -> Iterator[str]:
    least = (field.min_length if isinstance(field, FieldSpec) else None) or 0
    most = field.max_length if field.max_length is not None else least + 12
    while True:
        size = random.randint(max(least, min(1, most)), min(most, least + 12))
        yield base64.b64encode(random.randbytes(size)).decode()


def _forever(make: Callable[[Field, Random], Any]) -> Callable[[Field, Random], Iterator[Any]]:
    def candidates(field: Field, random: Random) -> Iterator[Any]:
        while True:
            yield make(field, random)

    return candidates


_CANDIDATES: dict[FieldType, Callable[[Field, Random], Iterator[Any]]] = {
    FieldType.STRING: _texts,
    FieldType.TEXT: _texts,
    FieldType.INTEGER: _integers,
    FieldType.NUMBER: _numbers,
    FieldType.DECIMAL: _decimals,
    FieldType.BOOLEAN: _forever(lambda field, random: random.random() < 0.5),
    FieldType.DATE: lambda field, random: (moment[:10] for moment in _moments(field, random)),
    FieldType.DATETIME: _moments,
    FieldType.UUID: _forever(lambda field, random: str(UUID(int=random.getrandbits(128), version=4))),
    FieldType.ENUM: _forever(lambda field, random: random.choice(field.values or [""])),
    FieldType.JSON: _forever(lambda field, random: {"note": random.choice(_WORDS)}),
    FieldType.LIST: _lists,
    FieldType.BINARY: _bytes,
    FieldType.REFERENCE: _forever(lambda field, random: random.randint(1, 1000)),
}

"""JSON-like values to what a database stores and back, column by column.

What comes in is validated and normal (`spec.normal`), what comes out is normal again. The storage forms are those of
`database.types`: a row written here is read by a mapped class, and the other way round.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from reconciler.database.json_text import from_json, to_json
from reconciler.database.rows.cipher import Cipher, Place
from reconciler.database.sql_text import Dialect
from reconciler.database.storable import UnfitValue, check_json, check_text
from reconciler.spec.exact import exact
from reconciler.spec.fields import FieldType
from reconciler.spec.formats import utc_text
from reconciler.spec.tables import Column

Convert = Callable[[Any], Any]

_INTEGERS = range(-(2**63), 2**63)


def storing(column: Column, dialect: Dialect) -> Convert:
    """Gives the value as a parameter; it is never asked about None. May raise UnfitValue, which holds no value."""
    convert = _STORED[dialect].get(column.type)
    return convert if convert is not None else as_it_is


def loading(column: Column, dialect: Dialect) -> Convert:
    """The inverse; it is never asked about NULL."""
    if column.type is FieldType.DECIMAL:
        return _decimal_of(column.scale or 0)
    convert = _LOADED[dialect].get(column.type)
    return convert if convert is not None else as_it_is


def sealed(value: Any, cipher: Cipher, place: Place) -> bytes:
    """A value of an encrypted column as its bytes, alike on both databases. May raise UnfitValue."""
    return cipher.encrypt(to_json(value).encode(), place)


def opened(stored: Any, column: Column, cipher: Cipher, place: Place) -> Any:
    """The inverse."""
    plain = from_json(cipher.decrypt(bytes(stored), place).decode())
    return exact(plain, column.scale or 0) if column.type is FieldType.DECIMAL else plain


def stored_moment(moment: datetime, dialect: Dialect) -> str:
    """A moment with its zone as a parameter."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%d %H:%M:%S.%f}".rjust(26, "0") + ("" if dialect == "sqlite" else "+00")


def loaded_moment(value: Any) -> str:
    """What a column of datetimes gave, as ISO text."""
    if type(value) is str and len(value) == 26 and value[19] == ".":
        # As `stored_moment` writes it for SQLite. Most of what is read is read here, so it is cut, not parsed.
        shown: str = value[:19] if value.endswith(".000000") else value
        return shown.replace(" ", "T", 1) + "Z"
    return utc_text(datetime.fromisoformat(value) if isinstance(value, str) else value)


def as_it_is(value: Any) -> Any:
    """Stored as it is shown."""
    return value


def _text(value: str) -> str:
    check_text(value)
    return value


def _number(value: float) -> float:
    return value + 0.0  # Zero has no sign: SQLite drops it.


def _json(value: Any) -> str:
    plain = (
        [str(item) if isinstance(item, Decimal) else item for item in value]
        if isinstance(value, list)
        else value
    )
    check_json(plain)
    # What SQLite is given as a JSON that looks like a number, it keeps as a number.
    if isinstance(plain, int) and plain not in _INTEGERS:
        raise UnfitValue("a JSON number by itself has 64 bits at most")
    return to_json(plain)


def _digits(value: Decimal) -> str:
    return format(value, "f")


def _moment_for(dialect: Dialect) -> Convert:
    return lambda value: stored_moment(datetime.fromisoformat(value), dialect)


def _decimal_of(scale: int) -> Convert:
    """A decimal of a column; what has the column's scale as it stands need not be rounded to it."""
    point = -scale - 1

    def load(value: Any) -> Decimal:
        if scale and type(value) is str and len(value) > scale and value[point] == ".":
            number = Decimal(value)
            return number if number else exact(value, scale)
        return exact(value, scale)

    return load


def _hex(value: str) -> str:
    return value.replace("-", "")


def _json_of_sqlite(value: Any) -> Any:
    return from_json(value) if isinstance(value, str) else value


def _base64(value: Any) -> str:
    return base64.b64encode(value).decode()


_ALIKE: dict[FieldType, Convert] = {
    FieldType.STRING: _text,
    FieldType.TEXT: _text,
    FieldType.ENUM: _text,
    FieldType.NUMBER: _number,
    FieldType.JSON: _json,
    FieldType.LIST: _json,
    FieldType.BINARY: base64.b64decode,
    FieldType.DECIMAL: _digits,
}
_STORED: dict[Dialect, dict[FieldType, Convert]] = {
    "sqlite": {**_ALIKE, FieldType.DATETIME: _moment_for("sqlite"), FieldType.UUID: _hex},
    "postgresql": {**_ALIKE, FieldType.DATETIME: _moment_for("postgresql")},
}
_LOADED: dict[Dialect, dict[FieldType, Convert]] = {
    "sqlite": {
        FieldType.BOOLEAN: bool,
        FieldType.DATETIME: loaded_moment,
        FieldType.UUID: lambda value: str(UUID(value)),
        FieldType.JSON: _json_of_sqlite,
        FieldType.LIST: _json_of_sqlite,
        FieldType.BINARY: _base64,
    },
    "postgresql": {
        FieldType.DATE: date.isoformat,
        FieldType.DATETIME: loaded_moment,
        FieldType.UUID: str,
        FieldType.BINARY: _base64,
    },
}

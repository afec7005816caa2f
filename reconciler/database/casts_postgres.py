"""How stored forms become one another on PostgreSQL.

A failing cast aborts the whole statement there, so nothing is cast before a regular expression or a range
has let it through, and only CASE keeps that order. Text forms do not depend on DateStyle or TimeZone; `[.]`
and `{0,1}` stand for `\\.` and `?`, which a session's settings or a driver's placeholders could change the
meaning of.
"""

from __future__ import annotations

import re

from reconciler.database.cast_forms import FALSE, NOTHING, TRUE, Cast, all_of, whole_digits
from reconciler.database.ddl import column_type
from reconciler.spec.fields import FieldType
from reconciler.spec.tables import Column

_SMALLEST, _LARGEST = "-9223372036854775808", "9223372036854775807"
_PAST_LARGEST = "9223372036854775808"

_INTEGER = "^(0|-{0,1}[1-9][0-9]{0,18})$"
_NUMBER = "^-{0,1}(0|[1-9][0-9]*)([.][0-9]*[1-9]){0,1}(e[+-][0-9]{2,3}){0,1}$"
_NUMBER_LENGTH = 30
_PLAIN = "^ *[+-]{0,1}[0-9]{1,40}([.][0-9]{1,40}){0,1} *$"
_UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_DAY = (
    "([0-9]{4}-(((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01]))|((0[469]|11)-(0[1-9]|[12][0-9]|30))"
    "|(02-(0[1-9]|1[0-9]|2[0-8])))"
    "|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)"
)
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{6}){0,1}"


def _case(condition: str, then: str, otherwise: str) -> str:
    return f"CASE WHEN {condition} THEN {then} ELSE {otherwise} END"


def _matches(e: str, pattern: str) -> str:
    return f"{e} ~ '{pattern}'"


def _float_text(e: str) -> str:
    # Adding 0 makes a 0 of a negative one.
    return f"CAST({e} + 0 AS text)"


def _exact(e: str) -> str:
    """A double as the decimal number it is printed as; a direct cast would round to 15 digits."""
    return f"CAST(CAST({e} AS text) AS numeric)"


def _float_to_decimal(e: str, scale: int) -> str:
    return f"round({_exact(e)}, {scale})"


def _in_day_range(e: str) -> str:
    return f"{e} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'"


def _in_moment_range(e: str) -> str:
    return f"({e} >= TIMESTAMPTZ '0001-01-01 00:00:00+00' AND {e} < TIMESTAMPTZ '10000-01-01 00:00:00+00')"


class PostgresForms:
    def read(self, after: Column, e: str) -> Cast:
        match after.type:
            case FieldType.INTEGER:
                inside = f"CAST({e} AS numeric) BETWEEN {_SMALLEST} AND {_LARGEST}"
                whole = f"trunc(CAST({e} AS numeric))"
                near = f"{whole} BETWEEN {_SMALLEST} AND {_LARGEST}"
                nearest = _case(
                    _matches(e, _PLAIN), _case(near, f"CAST({whole} AS bigint)", NOTHING), NOTHING
                )
                return Cast(_case(_matches(e, _INTEGER), inside, FALSE), f"CAST({e} AS bigint)", nearest)
            case FieldType.NUMBER:
                value = f"CAST({e} AS double precision)"
                nearest = _case(
                    _matches(e, _PLAIN), f"CAST(CAST({e} AS numeric) AS double precision)", NOTHING
                )
                return Cast(self._number_text(e), value, nearest)
            case FieldType.DECIMAL:
                number = f"CAST({e} AS numeric)"
                return Cast(
                    self._decimal_text(after, e),
                    f"CAST({e} AS {column_type(after, 'postgresql')})",
                    _case(_matches(e, _PLAIN), self._cut(after, number), NOTHING),
                )
            case FieldType.BOOLEAN:
                return Cast(f"{e} IN ('true', 'false')", f"{e} = 'true'")
            case FieldType.DATE:
                return Cast(f"({_matches(e, f'^{_DAY}$')} AND {e} !~ '^0000')", f"CAST({e} AS date)")
            case FieldType.DATETIME:
                moment = f"({_matches(e, f'^{_DAY}T{_CLOCK}Z$')} AND {e} !~ '^0000|[.]000000Z$')"
                return Cast(moment, f"CAST({e} AS timestamp with time zone)")
            case FieldType.UUID:
                return Cast(_matches(e, _UUID), f"CAST({e} AS uuid)")
            case _:
                raise ValueError(f"no text stands for a {after.type.value}")

    def write(self, before: Column, e: str) -> Cast:
        match before.type:
            case FieldType.NUMBER:
                # A session that prints fewer digits (extra_float_digits) loses some: the text is read back
                # to see. The largest doubles would then be rounded past what can be read.
                back = f"CAST({_float_text(e)} AS double precision) = {e}"
                return Cast(_case(f"abs({e}) < 1e308", back, FALSE), _float_text(e))
            case FieldType.DECIMAL:
                return Cast(f"{e} <> 'NaN'", f"CAST({e} AS text)")
            case FieldType.INTEGER | FieldType.BOOLEAN | FieldType.UUID:
                return Cast(TRUE, f"CAST({e} AS text)")
            case FieldType.DATE:
                return Cast(_in_day_range(e), f"to_char({e}, 'YYYY-MM-DD')")
            case FieldType.DATETIME:
                utc = f"{e} AT TIME ZONE 'UTC'"
                text = f'to_char({utc}, \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')'
                return Cast(_in_moment_range(e), f"replace({text}, '.000000Z', 'Z')")
            case _:
                raise ValueError(f"no text stands for a {before.type.value}")

    def between(self, before: Column, after: Column, e: str) -> Cast:
        match before.type, after.type:
            case FieldType.INTEGER, FieldType.NUMBER:
                value = f"CAST({e} AS double precision)"
                back = f"CAST({value} AS bigint) = {e}"
                return Cast(_case(f"{value} < {_PAST_LARGEST}", back, FALSE), value, value)
            case FieldType.NUMBER, FieldType.INTEGER:
                inside = f"({e} >= {_SMALLEST} AND {e} < {_PAST_LARGEST})"
                value = f"CAST(trunc({e}) AS bigint)"
                return Cast(all_of(inside, f"trunc({e}) = {e}"), value, _case(inside, value, NOTHING))
            case FieldType.INTEGER, FieldType.BOOLEAN:
                return Cast(f"{e} IN (0, 1)", f"{e} = 1")
            case FieldType.BOOLEAN, FieldType.INTEGER:
                return Cast(TRUE, f"CAST(CAST({e} AS integer) AS bigint)")
            case FieldType.DATE, FieldType.DATETIME:
                return Cast(_in_day_range(e), f"CAST({e} AS timestamp) AT TIME ZONE 'UTC'")
            case FieldType.DATETIME, FieldType.DATE:
                utc = f"({e} AT TIME ZONE 'UTC')"
                value = f"CAST({utc} AS date)"
                midnight = f"date_trunc('day', {utc}) = {utc}"
                return Cast(
                    all_of(_in_moment_range(e), midnight), value, _case(_in_moment_range(e), value, NOTHING)
                )
            case _:
                return self._decimal(before, after, e)

    def refuse(self, after: Column, e: str) -> str:
        # An empty text is no integer; the row's own value stays in so that the planner cannot evaluate it
        # beforehand.
        failing = f"CAST(CAST(left(CAST({e} AS text), 0) AS integer) AS text)"
        return f"CAST({failing} AS {column_type(after, 'postgresql')})"

    def declared(self, live: str) -> str:
        return live.replace("character varying", "varchar").replace("timestamp with time zone", "timestamptz")

    def stored(self, foreign: str, e: str) -> tuple[Column, str]:
        if sized := re.match(r"character varying\((\d+)\)", foreign):
            return Column(name="", type=FieldType.STRING, max_length=int(sized[1])), e
        if exact := re.match(r"numeric\((\d+),(\d+)\)", foreign):
            return Column(name="", type=FieldType.DECIMAL, precision=int(exact[1]), scale=int(exact[2])), e
        for name, kind, expression in (
            ("text", FieldType.TEXT, e),
            ("bigint", FieldType.INTEGER, e),
            ("integer", FieldType.INTEGER, f"CAST({e} AS bigint)"),
            ("smallint", FieldType.INTEGER, f"CAST({e} AS bigint)"),
            ("double precision", FieldType.NUMBER, e),
            ("boolean", FieldType.BOOLEAN, e),
            ("date", FieldType.DATE, e),
            ("timestamp with time zone", FieldType.DATETIME, e),
            ("timestamp without time zone", FieldType.DATETIME, f"({e} AT TIME ZONE 'UTC')"),
            ("uuid", FieldType.UUID, e),
            ("jsonb", FieldType.JSON, e),
        ):
            if foreign == name:
                return Column(name="", type=kind), expression
        return Column(name="", type=FieldType.TEXT), f"CAST({e} AS text)"

    def _decimal(self, before: Column, after: Column, e: str) -> Cast:
        bound = f"1{'0' * whole_digits(after)}"
        match before.type, after.type:
            case FieldType.INTEGER, FieldType.DECIMAL:
                return Cast(
                    f"abs(CAST({e} AS numeric)) < {bound}", f"CAST({e} AS {column_type(after, 'postgresql')})"
                )
            case FieldType.NUMBER, FieldType.DECIMAL:
                rounded = _float_to_decimal(e, after.scale or 0)
                inside = f"abs({rounded}) < {bound}"
                guard = f"abs({e}) < 1e40"
                same = f"({inside} AND CAST({rounded} AS double precision) = {e})"
                nearest = _case(guard, _case(inside, rounded, NOTHING), NOTHING)
                return Cast(_case(guard, same, FALSE), rounded, nearest)
            case FieldType.DECIMAL, FieldType.INTEGER:
                inside = f"trunc({e}) BETWEEN {_SMALLEST} AND {_LARGEST}"
                value = f"CAST(trunc({e}) AS bigint)"
                return Cast(all_of(inside, f"trunc({e}) = {e}"), value, _case(inside, value, NOTHING))
            case FieldType.DECIMAL, FieldType.NUMBER:
                value = f"CAST({e} AS double precision)"
                back = f"{_float_to_decimal(value, before.scale or 0)} = {e}"
                return Cast(
                    _case(f"{e} <> 'NaN'", back, FALSE), value, _case(f"{e} <> 'NaN'", value, NOTHING)
                )
            case FieldType.DECIMAL, FieldType.DECIMAL:
                cut = f"trunc({e}, {after.scale or 0})"
                return Cast(f"({cut} = {e} AND abs({e}) < {bound})", cut, self._cut(after, e))
            case _:
                raise ValueError(f"a {before.type.value} does not become a {after.type.value}")

    def _cut(self, after: Column, number: str) -> str:
        """A numeric without the digits that have no place; NULL if those before the point have none."""
        cut = f"trunc({number}, {after.scale or 0})"
        return _case(f"abs({cut}) < 1{'0' * whole_digits(after)}", cut, NOTHING)

    def _number_text(self, e: str) -> str:
        written = f"{_float_text(f'CAST({e} AS double precision)')} = {e}"
        size = f"abs(CAST({e} AS numeric))"
        readable = f"({size} >= 5e-324 AND {size} < 1e308 OR {e} = '0')"
        shaped = f"(length({e}) <= {_NUMBER_LENGTH} AND {_matches(e, _NUMBER)})"
        return _case(shaped, _case(readable, written, FALSE), FALSE)

    def _decimal_text(self, column: Column, e: str) -> str:
        scale, whole = column.scale or 0, whole_digits(column)
        digits = f"(0|[1-9][0-9]{{0,{whole - 1}}})" if whole > 0 else "0"
        fraction = f"[.][0-9]{{{scale}}}" if scale else ""
        return f"({_matches(e, f'^-{{0,1}}{digits}{fraction}$')} AND {e} !~ '^-[0.]+$')"

"""How stored forms become one another on SQLite.

Nothing raises there: a cast of nonsense is 0 without a word, and a column may hold a value of any class.
Every condition therefore looks at the class of the value and converts there and back; lengths are compared
in bytes because `length` stops at a NUL. Decimals are canonical texts, dates and moments the texts
SQLAlchemy stores.
"""

from __future__ import annotations

from reconciler.database.cast_forms import NOTHING, Cast, all_of, whole_digits
from reconciler.database.sql_text import text_literal
from reconciler.spec.fields import FieldType
from reconciler.spec.tables import Column

_SMALLEST, _PAST_LARGEST = "-9223372036854775808.0", "9223372036854775808.0"
_DIGIT = "[0-9]"
_RECKONED = "'+0 days'"
"""Without something to reckon, SQLite gives the 30th of February back as it came."""
_FOREIGN = {
    "TEXT": FieldType.TEXT,
    "INTEGER": FieldType.INTEGER,
    "FLOAT": FieldType.NUMBER,
    "BOOLEAN": FieldType.BOOLEAN,
    "DATE": FieldType.DATE,
    "DATETIME": FieldType.DATETIME,
    "CHAR(32)": FieldType.UUID,
    "JSON": FieldType.JSON,
}


def _is(e: str, storage: str) -> str:
    return f"typeof({e}) = '{storage}'"


def _bytes(e: str) -> str:
    return f"length(CAST({e} AS BLOB))"


def _case(condition: str, then: str, otherwise: str = NOTHING) -> str:
    return f"CASE WHEN {condition} THEN {then} ELSE {otherwise} END"


def _float_text(e: str) -> str:
    """A real the way PostgreSQL prints it: no point behind whole numbers, no more digits than it takes."""

    def printed(digits: int) -> str:
        return f"printf('%!.{digits}g', {e})"

    whole = f"CAST({e} AS INTEGER)"
    shorter = "".join(
        f" WHEN CAST({printed(digits)} AS REAL) = {e} THEN replace({printed(digits)}, '.0e', 'e')"
        for digits in (15, 16)
    )
    return (
        f"CASE WHEN abs({e}) < 1e15 AND {whole} = {e} THEN CAST({whole} AS TEXT){shorter}"
        f" ELSE replace({printed(17)}, '.0e', 'e') END"
    )


def _unsigned_zero(decimal: str) -> str:
    return f"CASE WHEN trim({decimal}, '-0.') = '' THEN ltrim({decimal}, '-') ELSE {decimal} END"


def _fixed(e: str, scale: int) -> str:
    """A real as the text of a decimal, rounded to its scale."""
    return _unsigned_zero(f"printf('%.{scale}f', {e})")


def _decimal_text(column: Column, e: str) -> str:
    """Whether `e` is the canonical text of a decimal of that precision and scale."""
    scale, unsigned = column.scale or 0, f"ltrim({e}, '-')"
    digits = f"replace({unsigned}, '.', '')"
    point = f"instr({unsigned}, '.') = " + (f"length({unsigned}) - {scale}" if scale else "0")
    if whole_digits(column):
        whole = f"{unsigned} NOT GLOB '0[0-9]*' AND length({digits}) <= {column.precision}"
    else:
        whole = f"{unsigned} GLOB '0.*'"
    return all_of(
        _is(e, "text"),
        f"{_bytes(e)} = length({e})",
        f"{digits} NOT GLOB '*[^0-9]*'",
        point,
        f"length({digits}) = length({unsigned}) - {1 if scale else 0}",
        f"length({digits}) > {scale}",
        whole,
        f"{e} NOT GLOB '--*'",
        f"NOT ({e} GLOB '-*' AND trim({e}, '-0.') = '')",
    )


def _plain(e: str) -> str:
    """Whether `e` is digits with at most one sign before and one point between them."""
    digits = f"replace(ltrim({e}, '+-'), '.', '')"
    return all_of(
        f"{_bytes(e)} = length({e})",
        f"{digits} NOT GLOB '*[^0-9]*'",
        f"ltrim({e}, '+-') GLOB '[0-9]*'",
        f"{e} NOT GLOB '[+-][+-]*'",
        f"{e} NOT GLOB '*.*.*'",
        f"{e} NOT GLOB '*.'",
    )


def _cut_decimal(e: str, before: int, after: int) -> str:
    """A decimal text of scale `before` with the scale `after`; digits that have no place are left out."""
    if after > before:
        return f"{e} || '{'' if before else '.'}{'0' * (after - before)}'"
    if after == before:
        return e
    return f"substr({e}, 1, length({e}) - {before - after + (0 if after else 1)})"


def _of_our_era(e: str) -> str:
    # By pattern: next to a column of numeric affinity, '0001' would be compared as the number 1.
    return f"{e} GLOB '[0-9]*' AND {e} NOT GLOB '0000*'"


def _day_text(e: str) -> str:
    return all_of(_is(e, "text"), f"date({e}, {_RECKONED}) IS {e}", _of_our_era(e))


def _clock_text(e: str, separator: str, ending: str) -> str:
    """Whether `e` begins with a second that exists, and what follows the second satisfies `ending`."""
    second = f"substr({e}, 1, 19)"
    return all_of(
        _is(e, "text"),
        f"replace(datetime({second}, {_RECKONED}), ' ', '{separator}') IS {second}",
        _of_our_era(e),
        ending,
    )


class SqliteForms:
    def read(self, after: Column, e: str) -> Cast:
        spaceless = f"trim({e})"
        match after.type:
            case FieldType.INTEGER:
                value = f"CAST({e} AS INTEGER)"
                # Up to 18 digits no cast saturates.
                short = all_of(_plain(spaceless), f"instr({spaceless} || '.', '.') <= 19")
                return Cast(
                    f"CAST({value} AS TEXT) = {e}", value, _case(short, f"CAST({spaceless} AS INTEGER)")
                )
            case FieldType.NUMBER:
                value = f"CAST({e} AS REAL)"
                nearest = _case(_plain(spaceless), f"CAST({spaceless} AS REAL)")
                return Cast(f"{_float_text(value)} = {e}", value, nearest)
            case FieldType.DECIMAL:
                return Cast(_decimal_text(after, e), e, self._decimal_near(after, spaceless))
            case FieldType.BOOLEAN:
                return Cast(f"{e} IN ('true', 'false')", f"{e} = 'true'")
            case FieldType.DATE:
                return Cast(_day_text(e), e)
            case FieldType.DATETIME:
                micros = f"(substr({e}, 20) GLOB '.{_DIGIT * 6}Z' AND substr({e}, 20) <> '.000000Z')"
                ending = f"(({_bytes(e)} = 20 AND substr({e}, 20) = 'Z') OR ({_bytes(e)} = 27 AND {micros}))"
                clock = f"substr({e}, 1, 10) || ' ' || substr({e}, 12, 8)"
                fraction = _case(f"length({e}) = 20", "'.000000'", f"substr({e}, 20, 7)")
                return Cast(_clock_text(e, "T", ending), f"{clock} || {fraction}")
            case FieldType.UUID:
                dashes = " || ".join(f"substr({e}, {at}, 1)" for at in (9, 14, 19, 24))
                hexadecimal = f"replace({e}, '-', '')"
                fits = all_of(
                    _is(e, "text"), f"{_bytes(e)} = 36", f"{dashes} = '----'",
                    f"length({hexadecimal}) = 32", f"{hexadecimal} NOT GLOB '*[^0-9a-f]*'",
                )  # fmt: skip
                return Cast(fits, hexadecimal)
            case _:
                raise ValueError(f"no text stands for a {after.type.value}")

    def write(self, before: Column, e: str) -> Cast:
        match before.type:
            case FieldType.INTEGER:
                return Cast(_is(e, "integer"), f"CAST({e} AS TEXT)")
            case FieldType.NUMBER:
                text = _float_text(e)
                return Cast(all_of(_is(e, "real"), f"CAST({text} AS REAL) = {e}"), text)
            case FieldType.DECIMAL:
                return Cast(_decimal_text(before, e), e)
            case FieldType.BOOLEAN:
                return Cast(all_of(_is(e, "integer"), f"{e} IN (0, 1)"), _case(e, "'true'", "'false'"))
            case FieldType.DATE:
                return Cast(_day_text(e), e)
            case FieldType.DATETIME:
                fraction = _case(f"substr({e}, 20) = '.000000'", "''", f"substr({e}, 20, 7)")
                clock = f"substr({e}, 1, 10) || 'T' || substr({e}, 12, 8)"
                return Cast(self._moment(e), f"{clock} || {fraction} || 'Z'")
            case FieldType.UUID:
                parts = " || '-' || ".join(
                    f"substr({e}, {at}, {n})" for at, n in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
                )
                return Cast(all_of(_is(e, "text"), f"{_bytes(e)} = 32", f"{e} NOT GLOB '*[^0-9a-f]*'"), parts)
            case _:
                raise ValueError(f"no text stands for a {before.type.value}")

    def between(self, before: Column, after: Column, e: str) -> Cast:
        match before.type, after.type:
            case FieldType.INTEGER, FieldType.NUMBER:
                value = f"CAST({e} AS REAL)"
                back = f"{value} < {_PAST_LARGEST} AND CAST({value} AS INTEGER) = {e}"
                return Cast(all_of(_is(e, "integer"), back), value, _case(_is(e, "integer"), value))
            case FieldType.NUMBER, FieldType.INTEGER:
                inside = all_of(_is(e, "real"), f"{e} >= {_SMALLEST}", f"{e} < {_PAST_LARGEST}")
                value = f"CAST({e} AS INTEGER)"
                return Cast(all_of(inside, f"{value} = {e}"), value, _case(inside, value))
            case FieldType.INTEGER, FieldType.BOOLEAN:
                return Cast(all_of(_is(e, "integer"), f"{e} IN (0, 1)"), e)
            case FieldType.BOOLEAN, FieldType.INTEGER:
                return Cast(all_of(_is(e, "integer"), f"{e} IN (0, 1)"), e)
            case FieldType.DATE, FieldType.DATETIME:
                return Cast(_day_text(e), f"{e} || ' 00:00:00.000000'")
            case FieldType.DATETIME, FieldType.DATE:
                value = f"substr({e}, 1, 10)"
                midnight = f"substr({e}, 11) = ' 00:00:00.000000'"
                return Cast(all_of(self._moment(e), midnight), value, _case(self._moment(e), value))
            case _:
                return self._decimal(before, after, e)

    def refuse(self, after: Column, e: str) -> str:
        # No JSON path begins like that. The row's own value stays in so that nothing is evaluated beforehand.
        reason = text_literal("a value does not fit its new type")
        return f"json_extract('{{}}', substr(typeof({e}), 1, 0) || {reason})"

    def declared(self, live: str) -> str:
        return live

    def stored(self, foreign: str, e: str) -> tuple[Column, str]:
        kind = _FOREIGN.get(foreign.upper())
        if kind is None:
            return Column(name="", type=FieldType.TEXT), f"CAST({e} AS TEXT)"
        return Column(name="", type=kind), e

    def _moment(self, e: str) -> str:
        ending = f"({_bytes(e)} = 26 AND substr({e}, 20) GLOB '.{_DIGIT * 6}')"
        return _clock_text(e, " ", ending)

    def _decimal(self, before: Column, after: Column, e: str) -> Cast:
        match before.type, after.type:
            case FieldType.INTEGER, FieldType.DECIMAL:
                value = _cut_decimal(f"CAST({e} AS TEXT)", 0, after.scale or 0)
                return Cast(all_of(_is(e, "integer"), _decimal_text(after, f"({value})")), value)
            case FieldType.NUMBER, FieldType.DECIMAL:
                value = _fixed(e, after.scale or 0)
                shaped = all_of(_is(e, "real"), _decimal_text(after, f"({value})"))
                return Cast(all_of(shaped, f"CAST({value} AS REAL) = {e}"), value, _case(shaped, value))
            case FieldType.DECIMAL, FieldType.NUMBER:
                value = f"CAST({e} AS REAL)"
                sound = _decimal_text(before, e)
                return Cast(
                    all_of(sound, f"{_fixed(value, before.scale or 0)} = {e}"), value, _case(sound, value)
                )
            case FieldType.DECIMAL, FieldType.INTEGER:
                text = _cut_decimal(e, before.scale or 0, 0)
                value = f"CAST({text} AS INTEGER)"
                sound = _decimal_text(before, e)
                inside = f"CAST({value} AS TEXT) = {_unsigned_zero(f'({text})')}"
                fits = all_of(sound, self._only_zeros(e, before.scale or 0, 0), inside)
                return Cast(fits, value, _case(all_of(sound, inside), value))
            case FieldType.DECIMAL, FieldType.DECIMAL:
                return self._rescaled(before, after, e)
            case _:
                raise ValueError(f"a {before.type.value} does not become a {after.type.value}")

    def _rescaled(self, before: Column, after: Column, e: str) -> Cast:
        old, new = before.scale or 0, after.scale or 0
        value, sound = _cut_decimal(e, old, new), _decimal_text(before, e)
        cut = _unsigned_zero(f"({value})")
        nearest = _case(all_of(sound, _decimal_text(after, f"({cut})")), cut)
        return Cast(
            all_of(sound, self._only_zeros(e, old, new), _decimal_text(after, f"({value})")), value, nearest
        )

    def _only_zeros(self, e: str, before: int, after: int) -> str:
        """Whether the digits that lose their place are all 0."""
        lost = before - after
        return f"substr({e}, {-lost}) = '{'0' * lost}'" if lost > 0 else "TRUE"

    def _decimal_near(self, after: Column, e: str) -> str:
        """A plain number in a text, brought to the scale of `after`; NULL if it has too many digits before
        the point."""
        scale, bare = after.scale or 0, f"ltrim({e}, '+')"
        whole = f"substr({bare}, 1, instr({bare} || '.', '.') - 1)"
        fraction = f"substr(substr({bare}, instr({bare} || '.', '.') + 1) || '{'0' * scale}', 1, {scale})"
        cut = _unsigned_zero(f"({whole} || '.' || {fraction})" if scale else f"({whole})")
        return _case(all_of(_plain(e), _decimal_text(after, f"({cut})")), cut)

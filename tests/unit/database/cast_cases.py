"""Conversions by example: which values fit, what becomes of those that do not, and which break bounds."""

from __future__ import annotations

from typing import Any

from reconciler.spec.fields import FieldType
from reconciler.spec.tables import Column
from tests.unit.database.cast_samples import COLUMNS, column

CASES: list[tuple[str, Column, Column, list[Any], list[Any]]] = [
    # name, before, after, values that fit, values that do not
    (
        "integers",
        COLUMNS[3],
        COLUMNS[5],
        ["7", "0", "-7", "9223372036854775807"],
        ["007", "-0", " 1", "1\n", "+5", "1.0", "٣", "", "9223372036854775808"],
    ),
    (
        "numbers",
        COLUMNS[3],
        COLUMNS[7],
        ["1.5", "0", "-7", "1e+22", "0.3333333333333333"],
        ["1.50", "-0", "1e5", "NaN", "1e999", "Infinity", ".5"],
    ),
    (
        "decimals",
        COLUMNS[3],
        COLUMNS[9],
        ["19.90", "-1.25", "0.50"],
        ["19.9", "1000.00", "-0.00", "11.2.", "--1", "007.00"],
    ),
    ("flags", COLUMNS[3], COLUMNS[12], ["true", "false"], ["True", "t", "1", ""]),
    (
        "days",
        COLUMNS[3],
        COLUMNS[13],
        ["2024-02-29", "2000-02-29", "0001-01-01"],
        ["2023-02-29", "1900-02-29", "0000-01-01", "2024-1-1", "0044-03-15 BC", "now", "infinity"],
    ),
    (
        "moments",
        COLUMNS[3],
        COLUMNS[14],
        ["2024-01-01T10:00:00Z", "2024-01-01T10:00:00.123456Z"],
        [
            "2024-01-01T10:00:00+00:00",
            "2024-01-01 10:00:00",
            "2024-01-01T24:00:00Z",
            "2024-01-01T10:00:00.000000Z",
        ],
    ),
    (
        "uuids",
        COLUMNS[3],
        COLUMNS[15],
        ["12345678-1234-1234-1234-123456789abc"],
        ["12345678-1234-1234-1234-123456789ABC", "12345678123412341234123456789abc"],
    ),
    ("choices", COLUMNS[3], COLUMNS[16], ["a", "true"], ["A", "", "7"]),
    ("fewer choices", COLUMNS[16], COLUMNS[17], ["b"], ["a", "true"]),
    ("shorter texts", COLUMNS[3], COLUMNS[4], ["", "ééé"], ["éééé"]),
    ("integer to number", COLUMNS[5], COLUMNS[7], [2**53, -(2**63)], [2**53 + 1, 2**63 - 1]),
    (
        "number to integer",
        COLUMNS[7],
        COLUMNS[5],
        [1.0, -(2.0**63), 1e15],
        [1.5, 2.0**63, 5e-324, float("inf")],
    ),
    ("number to decimal", COLUMNS[7], COLUMNS[9], [0.29, 999.99, 1.0], [0.001, 1000.0, 1e300, float("inf")]),
    ("integer to flag", COLUMNS[5], COLUMNS[12], [0, 1], [2, -1]),
    ("integer to text", COLUMNS[5], COLUMNS[4], [999, -99], [1000, -999]),
    ("fewer digits", COLUMNS[8], COLUMNS[9], ["1.500000", "999.990000"], ["1.234500", "1000.000000"]),
    ("decimal to integer", COLUMNS[8], COLUMNS[5], ["-3.000000"], ["0.500000"]),
    ("bytes", COLUMNS[20], COLUMNS[21], [b"", b"ab"], [b"abc"]),
    ("json", COLUMNS[18], COLUMNS[3], [None], ["{}"]),
    ("encryption", COLUMNS[3], COLUMNS[23], [None], ["a"]),
]

LOSSES: list[tuple[str, Column, Column, list[Any], list[Any]]] = [
    # name, before, after, values, what they become as text
    ("a text is cut", COLUMNS[3], COLUMNS[4], ["abcdef"], ["abc"]),
    ("numbers in texts are read", COLUMNS[3], COLUMNS[5], ["007", " 1", "+5", "2.9"], ["7", "1", "5", "2"]),
    (
        "decimals in texts get their scale",
        COLUMNS[3],
        COLUMNS[9],
        ["19.9", "7", "1.239"],
        ["19.90", "7.00", "1.23"],
    ),
    ("nonsense becomes the default", COLUMNS[3], COLUMNS[6], ["abc", "9223372036854775808"], ["7", "7"]),
    ("nonsense without a default becomes NULL", COLUMNS[3], COLUMNS[13], ["abc"], [None]),
    ("a choice that is gone becomes the default", COLUMNS[16], COLUMNS[17], ["a"], ["7"]),
    (
        "digits without a place are left out",
        COLUMNS[8],
        COLUMNS[9],
        ["1.239000", "-0.001000"],
        ["1.23", "0.00"],
    ),
    ("digits before the point are not", COLUMNS[8], COLUMNS[9], ["123456.000000"], ["1.50"]),
    ("a moment becomes its day", COLUMNS[14], COLUMNS[13], ["2024-02-29 23:59:59.000000"], ["2024-02-29"]),
    ("a fraction is left out", COLUMNS[7], COLUMNS[5], [2.9, -2.9, 1e300], ["2", "-2", None]),
    ("what cannot be converted becomes the default", COLUMNS[18], COLUMNS[2], ["{}"], ["none"]),
]

BOUNDS: list[tuple[str, Column, Column, list[Any], int]] = [
    ("minimum", COLUMNS[5], column(FieldType.INTEGER, minimum=5), [4, 5, None], 1),
    (
        "maximum of a decimal",
        COLUMNS[8],
        column(FieldType.DECIMAL, precision=18, scale=6, maximum=10),
        ["9.000000", "10.000000", "10.000001"],
        1,
    ),
    ("min_length", COLUMNS[3], column(FieldType.TEXT, min_length=2), ["", "é", "éé"], 2),
    (
        "a converted value",
        COLUMNS[3],
        column(FieldType.INTEGER, minimum=5, maximum=9, default=6),
        ["4", "7", "x", "10"],
        2,
    ),
    ("none asked for", COLUMNS[3], column(FieldType.TEXT), ["x"], 0),
]

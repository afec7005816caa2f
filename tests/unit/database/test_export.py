"""Rows as files: what a spreadsheet opens runs nothing, and what another program reads is what was stored."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from typing import Any

import pytest

from reconciler.database.rows.export import cell, exported

RUNNABLE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "|cmd",
    "%00",
    " =1",
    "\u00a0=1",
    "\ufeff=1",
    "＝1",
    "＋1",
    "－1",
    "＠1",
    '=HYPERLINK("http://evil.example","x")',
    "=cmd|' /C calc'!A0",
]


@pytest.mark.parametrize("text", RUNNABLE)
def test_a_text_that_a_spreadsheet_could_run_is_no_formula(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("a=1", "a=1"),
        ("", ""),
        ("   ", "   "),
        (None, ""),
        (-5, "-5"),
        (-1.5, "-1.5"),
        (Decimal("-0.10"), "-0.10"),
        (True, "true"),
        (["=1"], '["=1"]'),
        ({"=a": 1}, '{"=a":1}'),
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
    ],
)
def test_everything_else_is_left_as_it_is(value: Any, shown: str) -> None:
    assert cell(value) == shown


ROWS = [
    {"a": 'with "quotes", commas\nand lines', "b": 1},
    {"a": None, "b": -2},
    {"a": "=1", "b": None},
]


def test_csv_is_read_back_by_others() -> None:
    text = "".join(exported(ROWS, ["a", "b"], "csv"))
    assert text.startswith("a,b\r\n")
    assert [*csv.reader(io.StringIO(text, newline=""))][1:] == [
        [ROWS[0]["a"], "1"],
        ["", "-2"],
        ["'=1", ""],
    ]


def test_json_lines_hold_a_row_each_as_it_is() -> None:
    text = "".join(exported([*ROWS, {"a": Decimal("1.50"), "b": 2**70}], ["a", "b"], "jsonl"))
    assert [json.loads(line) for line in text.splitlines()] == [*ROWS, {"a": "1.50", "b": 2**70}]


def test_a_file_without_rows_has_its_header_only() -> None:
    assert [*exported([], ["a"], "csv")] == ["a\r\n"]
    assert [*exported([], ["a"], "jsonl")] == []

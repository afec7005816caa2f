"""`reconcile results`: rows on a page, as JSON, as a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from reconciler.cli.main import run
from reconciler.database.connection import connect
from tests.integration.deployed import agent_of, deploy, type_of
from tests.integration.notes import claimed, deploy_notes, note, submitted, succeed


@dataclass
class Shown:
    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Results = Callable[..., Shown]


@pytest.fixture
def results(database_url: str, capsys: pytest.CaptureFixture[str]) -> Results:
    """Five notes of ann, sizes 0 to 4."""
    with connect(database_url) as connection:
        deploy_notes(connection)
        submitted(connection, count=5)
        for size, one in enumerate(claimed(connection)):
            succeed(connection, one, note(connection, f"note {size}", size=size))

    def call(*arguments: str) -> Shown:
        status = run(["results", *arguments, "--database", database_url])
        return Shown(status, *capsys.readouterr())

    return call


def test_rows_are_shown_newest_first(results: Results) -> None:
    shown = results("notes.note", "--fields", "id,text")
    assert (shown.status, shown.out.split()) == (
        0,
        ["id", "text", *(word for n in (5, 4, 3, 2, 1) for word in (str(n), "note", str(n - 1)))],
    )
    assert "deleted_at" not in results("ann").out
    assert results("ben").out == "No rows.\n"


def test_pages_follow_each_other(results: Results) -> None:
    first = results("ann", "--limit", "3", "--json", "--count").document
    second = results("ann", "--limit", "3", "--json", "--after", first["next"]).document
    assert first["total"] == 5
    assert [row["size"] for row in first["rows"] + second["rows"]] == [4, 3, 2, 1, 0]
    assert second["next"] is None
    shown = results("ann", "--limit", "3", "--count")
    assert shown.err == f"5 in all\n… more: --after {first['next']}\n"


def test_conditions_and_order_are_written_on_the_line(results: Results) -> None:
    shown = results(
        "notes",
        "--where",
        "size>=1",
        "--where",
        "text~=note",
        "--where",
        "size!=3",
        "--sort",
        "size",
        "--json",
    )
    assert [row["size"] for row in shown.document["rows"]] == [1, 2, 4]


def test_all_rows_go_into_a_file(results: Results) -> None:
    lines = results("ann", "--format", "jsonl", "--fields", "size").out.splitlines()
    assert [json.loads(line) for line in lines] == [{"size": size} for size in (4, 3, 2, 1, 0)]
    table = [
        *csv.reader(io.StringIO(results("ann", "--format", "csv", "--limit", "2", "--sort", "size").out))
    ]
    assert [dict(zip(table[0], row, strict=True))["text"] for row in table[1:]] == ["note 0", "note 1"]


@pytest.mark.parametrize(
    ("arguments", "status", "code", "hint"),
    [
        (["an"], 1, "not-found", "did you mean `ann`?"),
        (["notes.nots"], 1, "not-found", "did you mean `note`?"),
        (["ann", "--where", "sise=1"], 64, "bad-query", "did you mean `size`?"),
        (["ann", "--where", "size=many"], 64, "bad-query", ""),
        (["ann", "--after", "nonsense"], 64, "bad-query", "`next`"),
        (["ann", "--include", "text"], 64, "bad-query", ""),
        (["ann", "--format", "csv", "--after", "x"], 64, "usage", ""),
    ],
)
def test_what_makes_no_sense_is_refused(
    results: Results, arguments: list[str], status: int, code: str, hint: str
) -> None:
    shown = results(*arguments, "--json")
    assert shown.status == status
    assert shown.document["error"]["code"] == code
    assert hint in shown.document["error"]["hint"]


def test_of_several_models_one_must_be_named(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    models = {"a": {"x": "string"}, "b": {"x": "string"}}
    with connect(database_url) as connection:
        deploy(
            connection,
            [
                type_of("two", models),
                type_of("none"),
                type_of("out", models, output={"model": "b", "from": "s"}),
            ],
            [agent_of("eve", "two")],
        )
    for named, code, hint in (
        ("eve", 64, "say which: eve.a, eve.b"),
        ("none", 1, ""),
        ("eve.b", 0, ""),
        ("out", 0, ""),
    ):
        assert run(["results", named, "--database", database_url]) == code, named
        assert hint in capsys.readouterr().err


def test_without_a_catalog_there_are_no_rows(sqlite_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["results", "ann", "--database", sqlite_url]) == 1
    with connect(sqlite_url) as connection:
        connection.execute("CREATE TABLE other (a text)")
    assert run(["results", "ann", "--database", sqlite_url]) == 1
    assert "nothing was applied yet" in capsys.readouterr().err

"""Every case of `tests/cases/evolution` through the whole loop, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import Refused
from tests.acceptance.evolution import Case, load_cases, manifests
from tests.acceptance.workbench import Workbench

EVERYTHING = [
    "destructive", "narrowing", "uncastable", "enum-value-in-use", "ambiguous-rename",
    "rename-source-missing", "rename-conflict", "mass-removal",
]  # fmt: skip


@pytest.mark.parametrize("case", load_cases(), ids=str)
def test_a_schema_evolves_as_its_case_says(
    case: Case, dialect: str, new_database: Callable[[], str], tmp_path: Path
) -> None:
    if case.only not in (None, dialect):
        pytest.skip(f"the case is about {case.only}")
    bench = Workbench(new_database(), tmp_path)
    bench.apply(manifests(case.before, "1.0.0"))
    bench.insert(case.rows)
    before = bench.snapshot()

    bench.write(manifests(case.after, "2.0.0"))
    plan = bench.plan()
    if case.plan is not None:
        assert bench.outline(plan) == sorted(case.plan)
    found = bench.hazards(plan)
    assert {code: case.hazards.get(code) and rows for code, rows in found.items()} == case.hazards
    if case.refused or case.allow:
        with pytest.raises(Refused):
            bench.reconcile(allow=EVERYTHING if case.refused else [])
        assert bench.snapshot() == before, "a refused apply changed something"
    if case.refused:
        return
    bench.reconcile(allow=case.allow)

    then = case.then if case.then is not None else case.rows
    assert bench.rows_like(then) == bench.expected(then)
    assert bench.plan().empty
    assert bench.structure() == fresh_structure(new_database(), tmp_path / "fresh", case)
    assert bench.oracle_differences() == []
    if case.reversible:
        bench.execute(case.since)
        bench.rollback(1, allow=EVERYTHING)
        assert bench.structure() == before["structure"]
        if case.undone is None:
            assert bench.snapshot() == before
        else:
            assert bench.rows_like(case.undone) == bench.expected(case.undone)


NUMBER = {"models": {"note": {"fields": {"value": {"type": "number"}}}}}
INTEGER = {"models": {"note": {"fields": {"value": {"type": "integer"}}}}}


def test_what_is_done_again_after_it_was_undone_starts_from_the_rows_of_then(
    database_url: str, tmp_path: Path
) -> None:
    bench = Workbench(database_url, tmp_path)
    bench.apply(manifests(NUMBER, "1.0.0"))
    bench.insert({"note": [{"value": 1.5}, {"value": 2.5}]})
    bench.apply(manifests(INTEGER, "2.0.0"), allow=EVERYTHING)
    bench.rollback(1, allow=EVERYTHING)
    bench.execute(["UPDATE demo__note SET value = 9.25 WHERE id = 2"])
    bench.reconcile(allow=EVERYTHING)
    assert bench.rows_like({"note": [{"value": 0}]}) == {"demo__note": [{"value": 1}, {"value": 9}]}
    bench.rollback(3, allow=EVERYTHING)
    assert bench.rows_like({"note": [{"value": 0}]}) == {"demo__note": [{"value": 1.5}, {"value": 9.25}]}


TEXTS = {
    size: {"models": {"note": {"fields": {"value": {"type": "string", "max_length": size}}}}}
    for size in (9, 5, 2)
}


@pytest.mark.parametrize(("revision", "text"), [(1, "abcdefghi"), (2, "abcde")])
def test_what_was_cut_twice_comes_back_as_long_as_it_was_then(
    database_url: str, tmp_path: Path, revision: int, text: str
) -> None:
    bench = Workbench(database_url, tmp_path)
    bench.apply(manifests(TEXTS[9], "1.0.0"))
    bench.insert({"note": [{"value": "abcdefghi"}]})
    bench.apply(manifests(TEXTS[5], "2.0.0"), allow=EVERYTHING)
    bench.apply(manifests(TEXTS[2], "3.0.0"), allow=EVERYTHING)
    bench.rollback(revision, allow=EVERYTHING)
    assert bench.rows_like({"note": [{"value": ""}]}) == {"demo__note": [{"value": text}]}


def fresh_structure(url: str, folder: Path, case: Case) -> dict[str, Any]:
    """What the after-state looks like where nothing ever was before."""
    folder.mkdir()
    bench = Workbench(url, folder)
    bench.apply(manifests(case.after, "2.0.0"))
    return bench.structure()

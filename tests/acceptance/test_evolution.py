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

    assert bench.rows_like(case.then if case.then is not None else case.rows) == bench.expected(case)
    assert bench.plan().empty
    assert bench.structure() == fresh_structure(new_database(), tmp_path / "fresh", case)
    assert bench.oracle_differences() == []
    if case.reversible:
        bench.rollback(1, allow=EVERYTHING)
        assert bench.snapshot() == before


def fresh_structure(url: str, folder: Path, case: Case) -> dict[str, Any]:
    """What the after-state looks like where nothing ever was before."""
    folder.mkdir()
    bench = Workbench(url, folder)
    bench.apply(manifests(case.after, "2.0.0"))
    return bench.structure()

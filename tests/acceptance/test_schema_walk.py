"""Random walks through schemas with rows: whatever is applied, nothing is lost and every step can be undone.

`RECONCILER_TEST_WALKS` sets how many walks are taken on each database; beyond the usual few they are random.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from reconciler.bootstrap import open_reconciler
from reconciler.control.reconciler import Reconciler
from reconciler.control.reports import Outcome
from reconciler.database import inspection, records
from reconciler.database.connection import Connection, connect
from reconciler.database.ddl import column_type
from reconciler.database.operations import create_all_sql
from reconciler.database.records import ArchiveRecord
from reconciler.errors import Refused
from reconciler.plans.changes import Action, Kind, Severity
from reconciler.plans.plan import Plan
from reconciler.spec.tables import Column, Table
from tests.acceptance.evolution import manifests
from tests.acceptance.walk_rows import Contents, Rows, contents, parked
from tests.acceptance.walk_schemas import State, evolved, first_state
from tests.acceptance.workbench import Workbench

WALKS = int(os.environ.get("RECONCILER_TEST_WALKS", "0"))
USUAL_WALKS = {"sqlite": 12, "postgresql": 5}
STEPS = 20


@dataclass(frozen=True)
class Moment:
    """What there is. `tables` are live and retained ones; `structure` is the live ones' in the database's words."""

    live: frozenset[str]
    tables: Mapping[str, Table]
    structure: Mapping[str, Any]
    contents: Mapping[str, Contents]
    parked: Mapping[int, tuple[ArchiveRecord, Contents]]


class SchemaWalk(RuleBasedStateMachine):
    """A source folder and a database that are taken from state to state."""

    def __init__(self, url: str, folder: Path) -> None:
        super().__init__()
        self.bench, self.rows = Workbench(url, folder), Rows(url)
        self.dialect = "sqlite" if url.startswith("sqlite") else "postgresql"
        self.state: State = {}
        self.gone: dict[str, Any] = {}
        self.steps = 0
        self.revision = 0
        self.past: dict[int, tuple[State, Moment]] = {}
        """State and what there was when each revision was last the newest."""
        self.written: dict[tuple[str, int], int] = {}
        """The revision at which a row was last written or deleted by somebody."""
        self.highest: dict[str, int] = {}

    # --- steps

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self._go_to(first_state(data.draw))

    @rule(data=st.data())
    def evolve(self, data: st.DataObject) -> None:
        self._go_to(evolved(data.draw, self.state, self.gone))

    @rule(data=st.data(), times=st.integers(2, 6))
    def write(self, data: st.DataObject, times: int) -> None:
        for _ in range(times):
            state, before = self.past[self.revision]
            live = {name: table for name, table in before.tables.items() if name in before.live}
            self.rows.write(data.draw, live, before.contents)
            after = self._look()
            self._remember_written(before.contents, after.contents)
            self.past[self.revision] = state, after

    @precondition(lambda self: self.revision > 1)
    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        target = data.draw(st.sampled_from(sorted(set(self.past) - {self.revision}, reverse=True)))
        note(f"--- roll back to {target}")
        state, then = self.past[target]
        before = self.past[self.revision][1]
        done = self._reconcile(lambda reconciler: reconciler.rollback_plan(target))
        if done is None:
            assert self._written_since(target), "a rollback is refused though nobody wrote a row since"
            return
        plan, outcome = done
        after = self._arrived(copy.deepcopy(state), outcome)
        self._nothing_is_lost(before, after, plan, outcome)
        assert after.structure == then.structure
        self._rows_are_back(then, after, target)

    @rule(data=st.data())
    def reorder(self, data: st.DataObject) -> None:
        self._write(_shuffled(data.draw, self.state))
        assert self.bench.plan().empty, "the order of keys made a difference"
        self._write(self.state)

    def teardown(self) -> None:
        if self.revision:
            assert self.bench.oracle_differences() == []

    # --- applying

    def _go_to(self, after: State) -> None:
        self.steps += 1
        for owner, spec in after.items():
            if spec != self.state.get(owner):
                spec["version"] = f"{self.steps}.0.0"
        note(f"--- {json.dumps(after)}")
        self._write(after)
        before = self.past[self.revision][1] if self.revision else None
        done = self._reconcile(lambda reconciler: reconciler.plan())
        if done is None:
            self._write(self.state)
            return
        plan, outcome = done
        now = self._arrived(after, outcome)
        if before is not None:
            self._nothing_is_lost(before, now, plan, outcome)

    def _reconcile(self, planned: Callable[[Reconciler], Plan]) -> tuple[Plan, Outcome] | None:
        """Plan and apply, with everything allowed; None where something forbids it, which must change nothing."""
        with open_reconciler(self.bench.settings, create=True) as reconciler:
            plan = planned(reconciler)
            assert not plan.problems, plan.problems
            note("\n".join(f"{c.action} {c.address} {c.reason}" for c in plan.changes))
            codes = [hazard.code for hazard in plan.hazards]
            if any(hazard.severity is Severity.BLOCK for hazard in plan.hazards):
                note(f"refused: {codes}")
                with pytest.raises(Refused):
                    reconciler.apply(plan, allow=codes)
                assert not self.revision or self._look() == self.past[self.revision][1], (
                    "a refused apply changed something"
                )
                return None
            outcome = reconciler.apply(plan, allow=codes)
        assert not outcome.failed, f"no hazard announced it: {outcome.failed}"
        return plan, outcome

    def _arrived(self, state: State, outcome: Outcome) -> Moment:
        self.state, self.revision = state, outcome.revision or self.revision
        self._write(state)
        again = self.bench.plan()
        assert again.empty, [(c.action, c.address) for c in again.changes]
        assert not again.drift
        now = self._look()
        self.past[self.revision] = state, now
        assert now.structure == self._fresh(now)
        return now

    def _write(self, state: State) -> None:
        self.bench.write(manifests({"types": state}, "0.0.0"))

    # --- what must hold

    def _nothing_is_lost(self, before: Moment, after: Moment, plan: Plan, outcome: Outcome) -> None:
        """Every value is where it was, or converted as announced, or in the archive."""
        now_parked = {
            (e.table, e.column): rows for e, rows in after.parked.values() if e.revision == outcome.revision
        }
        renamed = {
            (c.address.split("/")[1], c.before.name): c.after.name  # type: ignore[union-attr]
            for c in plan.changes
            if c.action is Action.RENAME and c.kind is Kind.COLUMN
        }
        for name, rows in before.contents.items():
            if name not in after.tables:
                assert now_parked[name, None] == rows
                continue
            assert after.contents[name].keys() == rows.keys()
            for column in before.tables[name].columns:
                then = {number: row[column.name] for number, row in rows.items()}
                if (name, column.name) in now_parked:
                    assert _of(now_parked[name, column.name], column.name) == then
                    continue
                here = after.tables[name].column(renamed.get((name, column.name), column.name))
                assert here is not None, f"{name}.{column.name} is nowhere"
                self._kept(column, here, then, _of(after.contents[name], here.name))
        for number, (entry, rows) in before.parked.items():
            if number in after.parked:
                assert after.parked[number][1] == rows, f"the archive changed: {entry}"
            elif entry.column is None:
                assert after.contents[entry.table].keys() == rows.keys()

    def _kept(self, column: Column, here: Column, then: dict[int, Any], now: dict[int, Any]) -> None:
        """A column that was neither parked nor removed has its values, converted where its type is another one."""
        alike = column_type(column, self.dialect) == column_type(here, self.dialect) and (
            column.scale,
            column.type,
        ) == (here.scale, here.type)
        for number, value in then.items():
            if value is None:
                assert now[number] is None or (not here.nullable and here.default is not None)
            elif alike:
                assert now[number] == value
            else:
                assert now[number] is not None

    def _rows_are_back(self, then: Moment, after: Moment, target: int) -> None:
        """Rows of that time which nobody wrote since are as they were; what a default has filled may stay."""
        assert after.live == then.live
        for name in then.live:
            for number, row in then.contents[name].items():
                if self.written.get((name, number), 0) > target:
                    continue
                now = after.contents[name][number]
                for column, value in row.items():
                    assert now[column] == value or value is None, (
                        f"{name}.{column} of row {number}: {now[column]!r}, it was {value!r}"
                    )

    def _written_since(self, revision: int) -> bool:
        return any(at > revision for at in self.written.values())

    def _remember_written(self, before: Mapping[str, Contents], after: Mapping[str, Contents]) -> None:
        for name, rows in after.items():
            for number in before[name].keys() | rows.keys():
                if number not in before[name]:
                    assert number > self.highest.get(name, 0), "an id was given twice"
                    self.highest[name] = number
                if before[name].get(number) != rows.get(number):
                    self.written[name, number] = self.revision

    # --- looking

    def _look(self) -> Moment:
        with connect(self.bench.url) as connection:
            recorded = records.tables(connection)
            tables = {record.name: Table.model_validate_json(record.definition) for record in recorded}
            live = frozenset(record.name for record in recorded if record.status == "live")
            return Moment(
                live,
                tables,
                _structure(connection, live),
                contents(connection, tables.values()),
                parked(connection),
            )

    def _fresh(self, now: Moment) -> dict[str, Any]:
        """The structure of the live tables where nothing ever was before."""
        statements = create_all_sql([now.tables[name] for name in sorted(now.live)], self.dialect)
        with _empty_place(self.bench.url) as connection:
            connection.script(statements)
            return _structure(connection, now.live)


@contextmanager
def _empty_place(url: str) -> Iterator[Connection]:
    """A database in memory, or a schema that nobody else ever sees."""
    if url.startswith("sqlite"):
        with connect("sqlite://") as connection:
            yield connection
        return
    with connect(url) as connection:
        connection.execute("BEGIN")
        connection.execute("CREATE SCHEMA elsewhere")
        connection.execute("SET LOCAL search_path = elsewhere")
        yield connection
        connection.execute("ROLLBACK")


def _structure(connection: Connection, names: frozenset[str]) -> dict[str, Any]:
    """Parked columns and the order of columns left out."""
    return {
        name: (
            {column: text for column, text in table.columns.items() if not column.startswith("_archived_")},
            dict(table.indexes),
            dict(table.constraints),
        )
        for name, table in inspection.inspect(connection, names).items()
    }


def _of(rows: Contents, column: str) -> dict[int, Any]:
    return {number: row[column] for number, row in rows.items()}


def _shuffled(draw: Callable[[st.SearchStrategy[Any]], Any], value: Any) -> Any:
    """The same value, the keys of every mapping in another order."""
    if isinstance(value, dict):
        keys = draw(st.permutations([*value]))
        return {key: _shuffled(draw, value[key]) for key in keys}
    return value


def test_walks_through_schemas_lose_nothing(
    dialect: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with _borrowing(dialect, request, tmp_path) as borrow:
        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            lambda: SchemaWalk(*borrow()),
            settings=settings(
                max_examples=WALKS or USUAL_WALKS[dialect],
                stateful_step_count=STEPS,
                derandomize=not WALKS,
                deadline=None,
                print_blob=True,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate, Phase.shrink],
            ),
        )


@contextmanager
def _borrowing(
    dialect: str, request: pytest.FixtureRequest, folder: Path
) -> Iterator[Callable[[], tuple[str, Path]]]:
    """Each call gives an empty database and a folder of its own; what was given before is taken back."""
    taken: list[str] = []
    databases = request.getfixturevalue("postgres_databases") if dialect == "postgresql" else None

    def give() -> tuple[str, Path]:
        if databases is not None:
            while taken:
                databases.give_back(taken.pop())
            taken.append(databases.take())
            url = taken[-1]
        place = folder / str(len([*folder.iterdir()]))
        place.mkdir()
        return url if databases is not None else f"sqlite:///{place}/walk.db", place

    yield give
    if databases is not None:
        for url in taken:
            databases.give_back(url)

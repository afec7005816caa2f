"""A source folder and a database, and the steps a test takes with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from reconciler.bootstrap import open_reconciler
from reconciler.control.reports import Outcome
from reconciler.database import inspection, records
from reconciler.database.connection import connect
from reconciler.database.dynamic_model import Models, values_of
from reconciler.database.model_tables import metadata_of
from reconciler.database.upgrade import has_catalog
from reconciler.plans.plan import Plan
from reconciler.settings import Settings
from reconciler.spec.agent_type import SYSTEM_FIELDS
from reconciler.spec.fields import FieldType
from reconciler.spec.tables import Column, Table

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


class Workbench:
    def __init__(self, url: str, folder: Path, **settings: Any) -> None:
        self.url = url
        self.source = folder / "agents.d"
        self.source.mkdir(parents=True, exist_ok=True)
        self.settings = Settings(source=str(self.source), database=url, cache=folder / "cache", **settings)

    # --- reconciling

    def write(self, text: str, name: str = "state.yaml") -> None:
        (self.source / name).write_text(text)

    def plan(self) -> Plan:
        with open_reconciler(self.settings) as reconciler:
            return reconciler.plan()

    def reconcile(self, allow: Sequence[str] = ()) -> Outcome:
        with open_reconciler(self.settings, create=True) as reconciler:
            outcome = reconciler.apply(reconciler.plan(), allow=allow)
        assert not outcome.failed, outcome.failed
        return outcome

    def apply(self, text: str, allow: Sequence[str] = ()) -> Outcome:
        self.write(text)
        return self.reconcile(allow)

    def rollback(self, revision: int, allow: Sequence[str] = ()) -> Outcome:
        with open_reconciler(self.settings) as reconciler:
            outcome = reconciler.apply(reconciler.rollback_plan(revision), allow=allow)
        assert not outcome.failed, outcome.failed
        return outcome

    def execute(self, statements: Sequence[str]) -> None:
        """What an application does meanwhile."""
        with connect(self.url) as connection:
            connection.script(statements)

    # --- looking

    def definitions(self) -> dict[str, Table]:
        with connect(self.url) as connection:
            if not has_catalog(connection):
                return {}
            live = (record for record in records.tables(connection) if record.status == "live")
            return {record.name: Table.model_validate_json(record.definition) for record in live}

    def structure(self) -> dict[str, Any]:
        """The database's own description of every table, parked columns and the order of columns left out."""
        with connect(self.url) as connection:
            live = inspection.inspect(connection, list(self.definitions()))
        return {
            name: {
                "columns": {c: text for c, text in table.columns.items() if not c.startswith("_archived_")},
                "indexes": dict(table.indexes),
                "constraints": dict(table.constraints),
            }
            for name, table in live.items()
        }

    def snapshot(self) -> dict[str, Any]:
        """Structure and rows of everything that is live."""
        return {
            "structure": self.structure(),
            "rows": {name: self._rows(t) for name, t in self.definitions().items()},
        }

    def oracle_differences(self) -> list[Any]:
        """What Alembic's own comparison finds between the live tables and the mapped classes."""
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        tables = self.definitions()
        metadata = metadata_of(tables.values())

        def ours(name: str | None, kind: str, parents: Mapping[str, Any]) -> bool:
            if kind == "table":
                return name in tables
            return not (kind == "column" and str(name).startswith("_archived_"))

        with self._engine().connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"include_name": ours, "compare_type": True, "compare_server_default": False}
            )
            found = compare_metadata(context, metadata)
        # SQLAlchemy's reflection of SQLite loses name and ON DELETE of a foreign key that stands with its
        # column.
        unseen = ("add_fk", "remove_fk") if self.url.startswith("sqlite") else ()
        return [entry for entry in found if "_archived_" not in str(entry) and entry[0] not in unseen]

    # --- rows

    def insert(self, rows: Rows) -> None:
        """Through the mapped classes, in the order given; ids count from 1."""
        tables = self.definitions()
        models = Models(tables.values())
        with Session(self._engine()) as session:
            for name, entries in rows.items():
                table = self._named(name)
                for entry in entries:
                    definition = tables[table]
                    values = {k: _value(definition.column(k), v) for k, v in entry.items()}
                    session.add(models[table](**{k: v for k, v in values.items() if v is not None}))
                    session.flush()
            session.commit()

    def rows_like(self, rows: Rows) -> dict[str, list[dict[str, Any]]]:
        """The rows now, in the columns that `rows` speaks of and that still are, of the tables that still
        are."""
        tables = self.definitions()
        found = {}
        for name, entries in rows.items():
            table = self._named(name)
            if table not in tables:
                continue
            columns = {key for entry in entries for key in entry} & {c.name for c in tables[table].columns}
            found[table] = [{k: row[k] for k in sorted(columns)} for row in self._rows(tables[table])]
        return found

    def expected(self, rows: Rows) -> dict[str, list[dict[str, Any]]]:
        """What `rows_like` should give, as a case writes it."""
        tables = self.definitions()
        found = {}
        for name, entries in rows.items():
            table = self._named(name)
            if table not in tables:
                continue
            columns = {key for entry in entries for key in entry} & {c.name for c in tables[table].columns}
            found[table] = [
                {k: plain(_value(tables[table].column(k), entry.get(k))) for k in sorted(columns)}
                for entry in entries
            ]
        return found

    def _rows(self, definition: Table) -> list[dict[str, Any]]:
        model = Models(self.definitions().values())[definition.name]
        with Session(self._engine()) as session:
            found = session.scalars(sa.select(model).order_by(model.id)).all()
            keep = {"id"} | {c.name for c in definition.columns if c.name not in SYSTEM_FIELDS}
            return [{k: plain(v) for k, v in values_of(row).items() if k in keep} for row in found]

    def _engine(self) -> sa.Engine:
        url = self.url.replace("postgresql://", "postgresql+psycopg://", 1)
        return sa.create_engine(url, poolclass=sa.NullPool)

    @staticmethod
    def _named(name: str) -> str:
        owner, _, model = name.rpartition(".")
        return f"{(owner or 'demo').replace('-', '_')}__{model}"

    # --- plans

    @staticmethod
    def outline(plan: Plan) -> list[str]:
        """`action address`, the address without its table and without the digest of an index."""
        lines = []
        for change in plan.changes:
            parts = change.address.split("/")
            if parts[0] == "table" and len(parts) == 4:
                name = parts[3].rsplit("_", 1)[0] if parts[2] == "index" else parts[3]
                lines.append(f"{change.action.value} {parts[2]}/{name}")
            else:
                lines.append(f"{change.action.value} {change.address}")
        return sorted(lines)

    @staticmethod
    def hazards(plan: Plan) -> dict[str, int | None]:
        """Rows by code, added up; None where no row is concerned."""
        found: dict[str, int | None] = {}
        for hazard in plan.hazards:
            found[hazard.code] = (
                (found.get(hazard.code) or 0) + hazard.rows if hazard.rows is not None else None
            )
        return found


def plain(value: Any) -> Any:
    """A value as both databases and a case file can say it."""
    match value:
        case datetime() | date() | UUID() | Decimal():
            return str(value)
        case bytes():
            return value.hex()
    return value


def _value(column: Column | None, value: Any) -> Any:
    """A value of a case file as Python has it for the column."""
    if column is None or value is None:
        return value
    match column.type:
        case FieldType.DATE:
            return date.fromisoformat(str(value))
        case FieldType.DATETIME:
            return datetime.fromisoformat(str(value))
        case FieldType.UUID:
            return UUID(str(value))
        case FieldType.DECIMAL:
            return Decimal(str(value)).quantize(Decimal(1).scaleb(-(column.scale or 0)))
        case FieldType.BINARY:
            return bytes.fromhex(value)
    return value

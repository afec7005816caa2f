"""Our tables, written as the sources of other tools."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from reconciler.spec.fields import FieldType
from reconciler.spec.tables import Column, Table

# --- Alembic: SQLAlchemy metadata

_ENVIRONMENT = """\
from alembic import context
from sqlalchemy import create_engine

from models import URL, metadata

with create_engine(URL).connect() as connection:
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
"""

_MODELS = """\
import sqlalchemy as sa

URL = {url!r}
metadata = sa.MetaData()
{tables}
if __name__ == "__main__":
    metadata.create_all(sa.create_engine(URL))
"""


def alembic(folder: Path, tables: Sequence[Table], url: str) -> None:
    """`alembic.ini`, an environment, and `models.py`, which creates the tables when it is run."""
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = scripts\nprepend_sys_path = .\n")
    (folder / "scripts" / "versions").mkdir(parents=True)
    (folder / "scripts" / "env.py").write_text(_ENVIRONMENT)
    written = "".join(map(_sqlalchemy_table, tables))
    (folder / "models.py").write_text(_MODELS.format(url=url, tables=written))


def _sqlalchemy_table(table: Table) -> str:
    number = 'sa.BigInteger().with_variant(sa.Integer(), "sqlite")'
    columns = [
        f'sa.Column("id", {number}, sa.Identity(), primary_key=True)',
        'sa.Column("task_id", sa.String(36))',
        'sa.Column("agent", sa.String(40))',
        'sa.Column("type_version", sa.String(20))',
        'sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())',
        'sa.Column("deleted_at", sa.DateTime(timezone=True))',
    ]
    columns += map(_sqlalchemy_column, table.columns)
    columns += [
        f"sa.Index({', '.join(map(repr, (index.name, *index.columns)))}, unique={index.unique})"
        for index in table.indexes
    ]
    body = "".join(f"    {column},\n" for column in columns)
    return f"sa.Table(\n    {table.name!r},\n    metadata,\n{body})\n"


def _sqlalchemy_column(column: Column) -> str:
    foreign = ""
    if column.references:
        key, on_delete = column.references, column.references.on_delete.value.replace("_", " ").upper()
        foreign = f" sa.ForeignKey('{key.table}.id', ondelete={on_delete!r}),"
    return f"sa.Column({column.name!r}, {_sqlalchemy_type(column)},{foreign} nullable={column.nullable})"


def _sqlalchemy_type(column: Column) -> str:
    match column.type:
        case FieldType.STRING:
            return f"sa.String({column.max_length or ''})"
        case FieldType.DECIMAL:
            return f"sa.Numeric({column.precision}, {column.scale})"
        case FieldType.REFERENCE:
            return 'sa.BigInteger().with_variant(sa.Integer(), "sqlite")'
        case _:
            return _SQLALCHEMY[column.type]


_SQLALCHEMY = {
    FieldType.TEXT: "sa.Text()",
    FieldType.ENUM: "sa.Text()",
    FieldType.INTEGER: "sa.BigInteger()",
    FieldType.NUMBER: "sa.Float(53)",
    FieldType.BOOLEAN: "sa.Boolean()",
    FieldType.DATE: "sa.Date()",
    FieldType.DATETIME: "sa.DateTime(timezone=True)",
    FieldType.UUID: "sa.Uuid()",
    FieldType.JSON: "sa.JSON()",
    FieldType.LIST: "sa.JSON()",
    FieldType.BINARY: "sa.LargeBinary()",
}

# --- dbt: a model and its properties per table


def dbt(folder: Path, tables: Iterable[Table]) -> None:
    """A project of one SQL file and one properties file per table, which refer to each other as the tables
    do."""
    project = {"name": "bench", "version": "1.0", "profile": "bench", "model-paths": ["models"]}
    (folder / "dbt_project.yml").write_text(json.dumps(project))
    output = {"type": "duckdb", "path": "bench.duckdb"}
    (folder / "profiles.yml").write_text(json.dumps({"bench": {"target": "dev", "outputs": {"dev": output}}}))
    models = folder / "models"
    models.mkdir()
    for table in tables:
        (models / f"{table.name}.sql").write_text("\n".join(_dbt_model(table)) + "\n")
        (models / f"{table.name}.yml").write_text("\n".join(_dbt_properties(table)) + "\n")


def _dbt_model(table: Table) -> Iterator[str]:
    yield "select"
    yield ",\n".join(f"    cast(null as varchar) as {column.name}" for column in table.columns)
    for column in table.columns:
        if column.references and column.references.table != table.name:
            yield f"-- depends_on: {{{{ ref('{column.references.table}') }}}}"


def _dbt_properties(table: Table) -> Iterator[str]:
    unique = {index.columns[0] for index in table.indexes if index.unique and len(index.columns) == 1}
    yield from ("version: 2", "models:", f"  - name: {table.name}", "    columns:")
    for column in table.columns:
        yield f"      - name: {column.name}"
        tests = ["unique"] * (column.name in unique) + ["not_null"] * (not column.nullable)
        if tests:
            yield f"        data_tests: [{', '.join(tests)}]"


# --- Drizzle: TypeScript

_DRIZZLE_COLUMNS = {
    FieldType.INTEGER: "integer()",
    FieldType.REFERENCE: "integer()",
    FieldType.NUMBER: "real()",
    FieldType.BOOLEAN: 'integer({ mode: "boolean" })',
    FieldType.BINARY: "blob()",
}


def drizzle(folder: Path, tables: Iterable[Table]) -> None:
    """`schema.ts` with all tables."""
    imports = "blob, index, integer, real, sqliteTable, text, uniqueIndex"
    lines = [f'import {{ {imports} }} from "drizzle-orm/sqlite-core";']
    for table in tables:
        lines += _drizzle_table(table)
    (folder / "schema.ts").write_text("\n".join(lines) + "\n")


def _drizzle_table(table: Table) -> Iterator[str]:
    yield f'export const {table.name} = sqliteTable("{table.name}", {{'
    yield "  id: integer().primaryKey({ autoIncrement: true }),"
    yield "  task_id: text({ length: 36 }), agent: text({ length: 40 }), type_version: text({ length: 20 }),"
    yield "  created_at: text().notNull(), deleted_at: text(),"
    for column in table.columns:
        yield f"  {column.name}: {_drizzle_column(column)},"
    yield "}, (t) => ["
    for index in table.indexes:
        columns = ", ".join(f"t.{name}" for name in index.columns)
        yield f'  {"uniqueIndex" if index.unique else "index"}("{index.name}").on({columns}),'
    yield "]);"


def _drizzle_column(column: Column) -> str:
    words = _DRIZZLE_COLUMNS.get(column.type, "text()")
    if column.max_length and words == "text()":
        words = f"text({{ length: {column.max_length} }})"
    if not column.nullable:
        words += ".notNull()"
    if column.references:
        action = column.references.on_delete.value.replace("_", " ")
        words += f'.references((): any => {column.references.table}.id, {{ onDelete: "{action}" }})'
    return words

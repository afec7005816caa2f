"""SQL text of tables, columns and indexes in both dialects: names, types, literals, CREATE statements.

Pure string building: equal definitions give equal text, and a fresh build of a table costs microseconds.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from reconciler.database.bounds import bounds
from reconciler.database.sql_text import Dialect, quote, text_literal
from reconciler.expressions.check_sql import CheckExpression, parse_check
from reconciler.spec.exact import exact
from reconciler.spec.fields import FieldType, OnDelete
from reconciler.spec.tables import Check, Column, ForeignKey, Index, Table, constraint_name

__all__ = [
    "Dialect",
    "check_expression",
    "column_definition",
    "column_type",
    "constraint",
    "create_index",
    "create_table",
    "foreign_key_name",
    "literal",
    "primary_key_name",
    "quote",
    "references",
    "sequence_name",
    "stored_default",
    "stored_type",
    "system_columns",
    "text_literal",
]

_SQLITE_TYPES = {
    FieldType.STRING: "TEXT",
    FieldType.TEXT: "TEXT",
    FieldType.ENUM: "TEXT",
    FieldType.INTEGER: "INTEGER",
    FieldType.NUMBER: "FLOAT",
    FieldType.DECIMAL: "TEXT",
    FieldType.BOOLEAN: "BOOLEAN",
    FieldType.DATE: "DATE",
    FieldType.DATETIME: "DATETIME",
    FieldType.UUID: "CHAR(32)",
    FieldType.JSON: "JSON",
    FieldType.LIST: "JSON",
    FieldType.BINARY: "BLOB",
    FieldType.REFERENCE: "INTEGER",
}
_POSTGRESQL_TYPES = {
    FieldType.STRING: "text",
    FieldType.TEXT: "text",
    FieldType.ENUM: "text",
    FieldType.INTEGER: "bigint",
    FieldType.NUMBER: "double precision",
    FieldType.DECIMAL: "numeric",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATE: "date",
    FieldType.DATETIME: "timestamptz",
    FieldType.UUID: "uuid",
    FieldType.JSON: "jsonb",
    FieldType.LIST: "jsonb",
    FieldType.BINARY: "bytea",
    FieldType.REFERENCE: "bigint",
}
_ON_DELETE = {OnDelete.CASCADE: "CASCADE", OnDelete.RESTRICT: "RESTRICT", OnDelete.SET_NULL: "SET NULL"}
_TYPE_WORDS = re.compile(
    r"\s*((?:(?!not\b|null\b|default\b|check\b|constraint\b|references\b|collate\b|generated\b|unique\b|primary\b|as\b)"
    r"[a-z_]\w*\s*)+(?:\(\s*\d+(?:\s*,\s*\d+)?\s*\))?)",
    re.IGNORECASE,
)


def column_type(column: Column, dialect: Dialect) -> str:
    """The type the column is declared with. An encrypted column holds bytes, whatever it means once
    decrypted."""
    if column.encrypted:
        return "BLOB" if dialect == "sqlite" else "bytea"
    if dialect == "sqlite":
        return _SQLITE_TYPES[column.type]
    if column.type is FieldType.STRING and column.max_length is not None:
        return f"varchar({column.max_length})"
    if column.type is FieldType.DECIMAL and column.precision is not None:
        return f"numeric({column.precision},{column.scale or 0})"
    return _POSTGRESQL_TYPES[column.type]


def stored_type(column: Column, dialect: Dialect) -> str:
    """The type the column has in fact: its own, or the one somebody's hand gave it.

    Of a description by hand only the type is taken: what follows it (NOT NULL, DEFAULT ...) is not carried
    along.
    """
    if column.foreign is None:
        return column_type(column, dialect)
    found = _TYPE_WORDS.match(column.foreign)
    return found[1].strip() if found else "BLOB"


def stored_default(column: Column) -> Any:
    """The default the database knows; None where it knows none (encryption happens in the application)."""
    return None if column.encrypted else column.default


def literal(value: Any, column: Column, dialect: Dialect) -> str:
    """`value` as SQL in the form in which `column` stores it. ValueError if it is no value of the column's
    type."""
    if value is None:
        return "NULL"
    match column.type:
        case FieldType.BOOLEAN:
            return str(bool(value)).lower() if dialect == "postgresql" else str(int(bool(value)))
        case FieldType.INTEGER | FieldType.REFERENCE:
            return str(int(value))
        case FieldType.NUMBER:
            return repr(float(value))
        case FieldType.DECIMAL:
            digits = format(exact(value, column.scale or 0, column.precision), "f")
            return digits if dialect == "postgresql" else text_literal(digits)
        case FieldType.DATETIME:
            return text_literal(_datetime(str(value), dialect))
        case FieldType.UUID:
            parsed = uuid.UUID(str(value))
            return text_literal(parsed.hex if dialect == "sqlite" else str(parsed))
        case FieldType.JSON | FieldType.LIST:
            return text_literal(json.dumps(value, ensure_ascii=False))
        case _:
            return text_literal(str(value))


def _datetime(value: str, dialect: Dialect) -> str:
    moment = datetime.fromisoformat(value)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}" + ("+00" if dialect == "postgresql" else "")


def foreign_key_name(table: str, column: str) -> str:
    return constraint_name("fk", table, (column,))


def primary_key_name(table: str) -> str:
    return _table_wide("pk", table)


def sequence_name(table: str) -> str:
    """Of the identity of `id`, on PostgreSQL. Named by us: the server's own choice depends on what else is
    there."""
    return _table_wide("sq", table)


def _table_wide(prefix: str, table: str) -> str:
    return f"{prefix}_{table[:48]}_{hashlib.sha256(table.encode()).hexdigest()[:10]}"


def references(key: ForeignKey) -> str:
    return f'REFERENCES {quote(key.table)} ("id") ON DELETE {_ON_DELETE[key.on_delete]}'


def constraint(name: str, clause: str) -> str:
    return f"CONSTRAINT {quote(name)} {clause}"


def column_definition(table: str, column: Column, dialect: Dialect, *, with_reference: bool = True) -> str:
    """A column as it stands in CREATE TABLE and in SQLite's ADD COLUMN, its own constraints on lines of their
    own."""
    parts = [f"{quote(column.name)} {stored_type(column, dialect)}"]
    default = stored_default(column)
    if default is not None:
        parts.append(f" DEFAULT {literal(default, column, dialect)}")
    if not column.nullable:
        parts.append(" NOT NULL")
    for bound in bounds(table, column, dialect):
        parts.append(f"\n        {constraint(bound.name, f'CHECK ({bound.condition})')}")
    if column.references is not None and with_reference:
        parts.append(
            f"\n        {constraint(foreign_key_name(table, column.name), references(column.references))}"
        )
    return "".join(parts)


def check_expression(check: Check, table: Table) -> CheckExpression:
    """The declared check, parsed against the table's columns. ExpressionError if it does not fit them."""
    return parse_check(check.expression, {column.name: column for column in table.columns})


_SYSTEM_SQLITE = (
    '"id" INTEGER PRIMARY KEY AUTOINCREMENT',
    '"task_id" VARCHAR(36)',
    '"agent" VARCHAR(40)',
    '"type_version" VARCHAR(20)',
    "\"created_at\" DATETIME DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now') || '000') NOT NULL",
    '"deleted_at" DATETIME',
)
_SYSTEM_POSTGRESQL = (
    '"task_id" varchar(36)',
    '"agent" varchar(40)',
    '"type_version" varchar(20)',
    '"created_at" timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL',
    '"deleted_at" timestamptz',
)


def system_columns(table: str, dialect: Dialect) -> tuple[str, ...]:
    """Definitions of the columns every table has, in the order of `SYSTEM_FIELDS`."""
    if dialect == "sqlite":
        return _SYSTEM_SQLITE
    identity = (
        f'"id" bigint GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME {quote(sequence_name(table))})'
        f"\n        {constraint(primary_key_name(table), 'PRIMARY KEY')}"
    )
    return (identity, *_SYSTEM_POSTGRESQL)


def create_table(
    table: Table,
    dialect: Dialect,
    *,
    called: str = "",
    without_references: Iterable[str] = (),
    parked: Sequence[Column] = (),
) -> str:
    """CREATE TABLE without its indexes.

    `called` is the name it gets, where that is not its own yet: the names of its constraints are those of its
    own. The columns in `without_references` get no foreign key; `parked` are bare columns to be carried
    along.
    """
    bare = frozenset(without_references)
    lines = list(system_columns(table.name, dialect))
    for column in table.columns:
        lines.append(column_definition(table.name, column, dialect, with_reference=column.name not in bare))
    lines += [f"{quote(column.name)} {stored_type(column, dialect)}" for column in parked]
    for check in table.checks:
        lines.append(constraint(check.name, f"CHECK ({check_expression(check, table).sql(dialect)})"))
    body = ",\n    ".join(lines)
    return f"CREATE TABLE {quote(called or table.name)} (\n    {body}\n)"


def create_index(table: str, index: Index, *, concurrently: bool = False) -> str:
    columns = ", ".join(quote(column) for column in index.columns)
    kind = "UNIQUE INDEX" if index.unique else "INDEX"
    online = " CONCURRENTLY" if concurrently else ""
    return f"CREATE {kind}{online} {quote(index.name)}\n    ON {quote(table)} ({columns})"

"""Row condition -> SQL, meaning the same on both databases.

What would differ is spelt out: PostgreSQL orders and folds texts by code point (COLLATE "C") and divides by
NULLIF, as SQLite does unasked; SQLite reads the decimals it stores as texts as REAL.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, assert_never

from reconciler.expressions.check_syntax import (
    Among,
    Between,
    Calculation,
    Call,
    ColumnValue,
    Compared,
    Constant,
    IsNull,
    Junction,
    Negative,
    Not,
    Operand,
)

Dialect = Literal["sqlite", "postgresql"]


def render(node: Operand, dialect: Dialect, renames: Mapping[str, str]) -> str:
    """SQL without parameters: identifiers quoted, every operation in parentheses."""

    def sql(operand: Operand) -> str:
        return render(operand, dialect, renames)

    match node:
        case ColumnValue():
            name = quoted(renames.get(node.name, node.name))
            return f"CAST({name} AS REAL)" if dialect == "sqlite" and node.kind == "decimal" else name
        case Constant():
            return _constant(node, dialect)
        case Negative():
            return f"(-{sql(node.operand)})"
        case Calculation():
            return _calculation(node, sql(node.left), sql(node.right), dialect)
        case Call():
            arguments = [sql(argument) for argument in node.arguments]
            if node.function in ("lower", "upper"):
                arguments = [_collated(node.arguments[0], arguments[0], dialect)]
            return f"{node.function}({', '.join(arguments)})"
        case Compared():
            left = sql(node.left)
            if node.sign not in ("=", "<>"):
                left = _collated(node.left, left, dialect)
            return f"({left} {node.sign} {sql(node.right)})"
        case Between():
            operand = _collated(node.operand, sql(node.operand), dialect)
            return f"({operand} {'NOT ' * node.negated}BETWEEN {sql(node.low)} AND {sql(node.high)})"
        case Among():
            choices = ", ".join(sql(choice) for choice in node.choices)
            return f"({sql(node.operand)} {'NOT ' * node.negated}IN ({choices}))"
        case IsNull():
            return f"({sql(node.operand)} IS {'NOT ' * node.negated}NULL)"
        case Not():
            return f"(NOT {sql(node.operand)})"
        case Junction():
            return f"({sql(node.left)} {node.operator.upper()} {sql(node.right)})"
    assert_never(node)


def quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _calculation(node: Calculation, left: str, right: str, dialect: Dialect) -> str:
    divides = node.operator in ("/", "%")
    if dialect == "postgresql":
        if node.kind == "integer" and not isinstance(node.left, ColumnValue | Calculation):
            # Small literals and length() are 32 bits there and would overflow where SQLite does not.
            left = f"CAST({left} AS bigint)"
        right = f"NULLIF({right}, 0)" if divides else right
    elif node.operator == "/" and node.kind != "integer":
        # coalesce(integer, 0.5) may be an integer in one row: SQLite would then cut the quotient.
        left = f"CAST({left} AS REAL)"
    return f"({left} {node.operator} {right})"


def _collated(node: Operand, sql: str, dialect: Dialect) -> str:
    return f'{sql} COLLATE "C"' if dialect == "postgresql" and node.kind == "text" else sql


def _constant(node: Constant, dialect: Dialect) -> str:
    match node.value:
        case bool():
            if dialect == "sqlite":
                return str(int(node.value))
            return str(node.value).upper()
        case int() | Decimal():
            return str(node.value)
    literal = "'" + node.value.replace("'", "''") + "'"
    if dialect == "sqlite":
        return literal
    match node.kind:
        case "date":
            return f"DATE {literal}"
        case "datetime":
            return f"TIMESTAMPTZ '{node.value}+00'"
        case "uuid":
            return f"UUID {literal}"
    # Backslashes mean themselves whatever standard_conforming_strings says.
    return "E" + literal.replace("\\", "\\\\") if "\\" in literal else literal

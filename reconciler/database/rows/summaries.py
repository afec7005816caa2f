"""Rows counted and summed up, by groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from reconciler.database.connection import Connection
from reconciler.database.rows.conditions import conditions, joined
from reconciler.database.rows.model import LiveModel
from reconciler.database.rows.searching import BadQuery, Searched, searched
from reconciler.database.sql_text import quote
from reconciler.spec.exact import exact
from reconciler.spec.fields import FieldType
from reconciler.spec.findings import did_you_mean

MOST_GROUPS = 1000
_FUNCTIONS = ("sum", "avg", "min", "max")
_NUMERIC = frozenset({FieldType.INTEGER, FieldType.NUMBER, FieldType.DECIMAL})


@dataclass(frozen=True, slots=True)
class Summary:
    """`measures` are `count` or, of a field, `sum.FIELD`, `avg.FIELD`, `min.FIELD` and `max.FIELD`, and are named so in
    the answer. `where` as in a Query."""

    group_by: Sequence[str] = ()
    measures: Sequence[str] = ("count",)
    where: Mapping[str, Any] = field(default_factory=dict)
    limit: int = MOST_GROUPS


@dataclass(frozen=True, slots=True)
class _Measure:
    name: str
    function: str
    field: Searched | None

    @property
    def sql(self) -> str:
        if self.field is None:
            return "count(*)"
        # The least of texts is the first as they sort here, whatever the database's own order is.
        return f"{self.function}({self.field.ordered_sql})"

    def loaded(self, value: Any) -> Any:
        """Sums of integers are integers, averages floats, decimals of their field's scale."""
        field = self.field
        if value is None or field is None:
            return value
        if self.function == "avg":
            return float(value)
        if field.type is FieldType.DECIMAL:
            return exact(value, field.scale)
        if isinstance(value, Decimal):
            return int(value)
        return field.model.loaded((value,), (field.name,))[field.name]


def summarise(connection: Connection, model: LiveModel, summary: Summary) -> list[dict[str, Any]]:
    """One dict for each group, in the order of their values; groups without any row are not among them.

    Raises BadQuery.
    """
    groups = [searched(model, name, "group_by") for name in summary.group_by]
    measures = [_measure(model, name) for name in summary.measures]
    sql, params = joined([("deleted_at IS NULL", []), *conditions(model, summary.where)])
    grouped = ", ".join(quote(group.name) for group in groups)
    columns = ", ".join([*(quote(group.name) for group in groups), *(measure.sql for measure in measures)])
    order = ", ".join(_order(group) for group in groups)
    tail = f" GROUP BY {grouped} ORDER BY {order}" if groups else ""
    limit = max(1, min(summary.limit, MOST_GROUPS))
    rows = connection.execute(
        f"SELECT {columns} FROM {model.quoted} WHERE {sql}{tail} LIMIT ?", [*params, limit]
    )
    names = [group.name for group in groups]
    return [
        {
            **model.loaded(row[: len(names)], names),
            **{m.name: m.loaded(value) for m, value in zip(measures, row[len(names) :], strict=True)},
        }
        for row in rows
    ]


def _order(group: Searched) -> str:
    return f"{group.ordered_sql} ASC" + (" NULLS LAST" if group.nullable else "")


def _measure(model: LiveModel, name: str) -> _Measure:
    if name == "count":
        return _Measure(name, "count", None)
    function, _, of = name.partition(".")
    if function not in _FUNCTIONS or not of:
        known = ("count", *(f"{function}.FIELD" for function in _FUNCTIONS))
        raise BadQuery(f"there is no measure `{name}`", where="measures", hint=did_you_mean(name, known))
    field = searched(model, of, "measures")
    if function in ("sum", "avg") and field.type not in _NUMERIC:
        raise BadQuery(f"`{of}` is no number, so that it has no {function}", where="measures")
    if field.type in (FieldType.BOOLEAN, FieldType.UUID):
        raise BadQuery(
            f"a {field.type.value} has neither a {function} nor any other measure", where="measures"
        )
    return _Measure(name, function, field)

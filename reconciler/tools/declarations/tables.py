"""The type's own tables: writing rows, reading some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.expressions.scope import Shape
from reconciler.spec.agent_type import SYSTEM_FIELDS, ModelSpec
from reconciler.spec.fields import FieldSpec, FieldType
from reconciler.spec.findings import Finding, Path, did_you_mean
from reconciler.tools.base import Capability, EffectClass, Parameter, Surroundings, ToolDeclaration
from reconciler.tools.declarations.table_fields import (
    SYSTEM_FIELD_SPECS,
    check_model,
    check_names,
    check_searchable,
    model_of,
    row_shape,
)
from reconciler.tools.host import OPERATORS

__all__ = ["DATABASE_READER", "DATABASE_WRITER", "SYSTEM_FIELD_SPECS"]

_TEXTUAL = frozenset({FieldType.STRING, FieldType.TEXT, FieldType.ENUM})
_ANY_TEXT, _TRUE_OR_FALSE = FieldSpec(type=FieldType.TEXT), FieldSpec(type=FieldType.BOOLEAN)


# --- writing -----------------------------------------------------------------------------------------


def _written(parameters: Mapping[str, Any], surroundings: Surroundings) -> Shape:
    model = model_of(parameters, surroundings)
    row = row_shape(model) if model else Shape("any")
    if parameters.get("rows") is None:
        return row
    return Shape("object", {"rows": Shape("list", items=row), "count": Shape("integer")})


def _check_writer(parameters: Mapping[str, Any], surroundings: Surroundings) -> Iterator[Finding]:
    yield from check_model("database_writer", parameters, surroundings)
    given = [name for name in ("values", "rows") if parameters.get(name) is not None]
    if len(given) != 1:
        message = "give either `values`, for one row, or `rows`, for many"
        code = "conflicting-parameters" if given else "missing-parameter"
        yield Finding(code, message, ())
    model = model_of(parameters, surroundings)
    if model is None:
        return
    mode, rows = parameters.get("mode") or "insert", [*_rows_of(parameters)]
    yield from _check_key(mode, parameters, model, rows)
    for path, values in rows:
        yield from _check_values(values, model, surroundings, path, by_id=mode == "update")
        if mode != "update":
            yield from _check_complete(values, model, parameters["model"], path)


def _rows_of(parameters: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The values of each row that stands in the manifest, and their place."""
    values, rows = parameters.get("values"), parameters.get("rows")
    if isinstance(values, Mapping):
        yield ("values",), values
    for index, row in enumerate(rows if isinstance(rows, list) else ()):
        if isinstance(row, Mapping):
            yield ("rows", index), row


def _check_key(
    mode: str,
    parameters: Mapping[str, Any],
    model: ModelSpec,
    rows: Iterable[tuple[Path, Mapping[str, Any]]],
) -> Iterator[Finding]:
    key = parameters.get("key")
    if mode == "insert":
        if key is not None:
            yield Finding(
                "parameter-without-effect", "`key` means nothing for `mode: insert`", ("key",), at_key=True
            )
        return
    if not isinstance(key, list) or not key:
        yield Finding("missing-parameter", f"`mode: {mode}` needs `key`, the fields that say which row", ())
        return
    wrong = [*check_names(key, model, ("key",), system=("id",) if mode == "update" else ())]
    yield from wrong
    for index, name in enumerate(key):
        yield from check_searchable(name, model, ("key", index))
        for path, values in rows:
            if name not in values:
                message = f"`{_shown(path)}` gives no `{name}`, which is part of the key"
                yield Finding("key-without-value", message, ("key", index))
    if mode == "upsert" and not wrong and not _is_unique(key, model):
        names = ", ".join(f"`{name}`" for name in key)
        hint = (
            f"add `unique: [[{', '.join(key)}]]` to the model"
            if len(key) > 1
            else "make the field `unique: true`"
        )
        yield Finding(
            "key-not-unique", f"an upsert needs a key that is unique, and {names} is not", ("key",), hint
        )


def _is_unique(key: list[str], model: ModelSpec) -> bool:
    if len(key) == 1 and model.fields[key[0]].unique:
        return True
    return any(set(group) == set(key) for group in model.unique)


def _check_values(
    values: Mapping[str, Any], model: ModelSpec, surroundings: Surroundings, path: Path, *, by_id: bool
) -> Iterator[Finding]:
    for name, value in values.items():
        field, where = model.fields.get(name), (*path, name)
        if field is not None:
            yield from surroundings.check_value(value, field, where)
        elif name not in SYSTEM_FIELDS:
            hint = did_you_mean(name, model.fields)
            yield Finding("unknown-field", f"the model has no field `{name}`", where, hint, at_key=True)
        elif not (by_id and name == "id"):
            yield Finding("reserved-field", f"`{name}` is set by the system", where, at_key=True)


def _check_complete(values: Mapping[str, Any], model: ModelSpec, name: str, path: Path) -> Iterator[Finding]:
    for field_name, field in model.fields.items():
        if field.required and field.default is None and field_name not in values:
            message = f"`{name}.{field_name}` is required, and `{_shown(path)}` does not give it"
            yield Finding("missing-value", message, path)


def _shown(path: Path) -> str:
    """`values` or `rows[2]`."""
    return str(path[0]) + "".join(f"[{part}]" for part in path[1:])


DATABASE_WRITER = ToolDeclaration(
    name="database_writer",
    title="Write rows",
    description="Writes one row of the type's own tables or many; all are committed together with the task's end.",
    effect=EffectClass.WRITE,
    implementation="reconciler.tools.database_writer:DatabaseWriter",
    capabilities=frozenset({Capability.TABLES}),
    parameters={
        "model": Parameter(FieldType.STRING, "Which table.", required=True, static=True),
        "mode": Parameter(
            FieldType.ENUM,
            "Default insert.",
            default="insert",
            values=("insert", "upsert", "update"),
            static=True,
        ),
        "key": Parameter(FieldType.LIST, "Fields that say which row.", items=FieldType.STRING, static=True),
        "values": Parameter("mapping", "Of one row: field -> value or expression."),
        "rows": Parameter(FieldType.LIST, "Of many rows, instead of `values`: a list of such objects."),
    },
    result=_written,
    check=_check_writer,
)


# --- reading -----------------------------------------------------------------------------------------


def _read(parameters: Mapping[str, Any], surroundings: Surroundings) -> Shape:
    model = model_of(parameters, surroundings)
    row = row_shape(model) if model else Shape("any")
    names = parameters.get("fields")
    if isinstance(names, list) and row.fields is not None:
        row = Shape("object", {name: shape for name, shape in row.fields.items() if name in names})
    first = Shape(row.type, row.fields, optional=True)
    return Shape("object", {"rows": Shape("list", items=row), "count": Shape("integer"), "first": first})


def _check_reader(parameters: Mapping[str, Any], surroundings: Surroundings) -> Iterator[Finding]:
    yield from check_model("database_reader", parameters, surroundings)
    model = model_of(parameters, surroundings)
    if model is None:
        return
    where = parameters.get("where")
    if isinstance(where, Mapping):
        yield from _check_where(where, model, surroundings)
    yield from check_names(parameters.get("fields") or (), model, ("fields",), system=SYSTEM_FIELDS)
    order = [
        name.removeprefix("-") if isinstance(name, str) else name for name in parameters.get("order_by") or ()
    ]
    yield from check_names(order, model, ("order_by",), system=SYSTEM_FIELDS)
    for index, name in enumerate(order):
        yield from check_searchable(name, model, ("order_by", index))


def _check_where(where: Mapping[str, Any], model: ModelSpec, surroundings: Surroundings) -> Iterator[Finding]:
    for name, value in where.items():
        field, path = model.fields.get(name) or SYSTEM_FIELD_SPECS.get(name), ("where", name)
        if field is None:
            hint = did_you_mean(name, {*model.fields, *SYSTEM_FIELDS})
            yield Finding("unknown-field", f"the model has no field `{name}`", path, hint, at_key=True)
            continue
        yield from check_searchable(name, model, path)
        if isinstance(value, Mapping):
            yield from _check_comparisons(value, field, surroundings, path)
        else:
            yield from _check_asked(value, field, surroundings, path)


def _check_asked(value: Any, field: FieldSpec, surroundings: Surroundings, path: Path) -> Iterator[Finding]:
    """A value that the field equals, or a list of such."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from surroundings.check_value(item, field, (*path, index))
    elif value is not None and surroundings.shape_of(value).type != "list":
        yield from surroundings.check_value(value, field, path)


def _check_comparisons(
    comparisons: Mapping[str, Any], field: FieldSpec, surroundings: Surroundings, path: Path
) -> Iterator[Finding]:
    for operator, value in comparisons.items():
        where = (*path, operator)
        match operator:
            case "is_null":
                yield from surroundings.check_value(value, _TRUE_OR_FALSE, where)
            case "contains":
                if field.type in _TEXTUAL:
                    yield from surroundings.check_value(value, _ANY_TEXT, where)
                else:
                    message = f"`contains` looks in texts, and the field is of type {field.type.value}"
                    yield Finding("field-not-searchable", message, where, at_key=True)
            case "in" if not isinstance(value, list) and surroundings.shape_of(value).type not in (
                "list",
                "any",
            ):
                yield Finding("value-type", "`in` takes a list of values", where)
            case _ if operator in OPERATORS:
                yield from _check_asked(value, field, surroundings, where)
            case _:
                hint = f"there are {', '.join(OPERATORS)}"
                yield Finding(
                    "unknown-comparison", f"there is no comparison `{operator}`", where, hint, at_key=True
                )


DATABASE_READER = ToolDeclaration(
    name="database_reader",
    title="Read rows",
    description="Reads rows of the type's own tables that its agents wrote.",
    effect=EffectClass.READ,
    implementation="reconciler.tools.database_reader:DatabaseReader",
    capabilities=frozenset({Capability.TABLES}),
    parameters={
        "model": Parameter(FieldType.STRING, "Which table.", required=True, static=True),
        "where": Parameter(
            "mapping",
            "Field -> value it equals; a list: one of them; null: is null;"
            " or values by comparison, such as `{urgency: {ge: 3}}`.",
        ),
        "fields": Parameter(
            FieldType.LIST, "Fields of the result; default all.", items=FieldType.STRING, static=True
        ),
        "order_by": Parameter(
            FieldType.LIST,
            "Fields to sort by; `-` in front: descending.",
            items=FieldType.STRING,
            static=True,
        ),
        "limit": Parameter(FieldType.INTEGER, "Most rows.", default=100, min=1, max=1000),
    },
    result=_read,
    check=_check_reader,
)

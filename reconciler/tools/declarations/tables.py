"""The type's own tables: writing one row, reading some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.expressions.scope import Shape, shape_of_field
from reconciler.expressions.template import has_expression
from reconciler.spec.agent_type import SYSTEM_FIELDS, ModelSpec
from reconciler.spec.fields import FieldSpec, FieldType
from reconciler.spec.findings import Finding, Path, did_you_mean
from reconciler.tools.base import (
    Capability,
    EffectClass,
    Parameter,
    Surroundings,
    ToolDeclaration,
    result_field,
)

SYSTEM_FIELD_SPECS: Mapping[str, FieldSpec] = {
    "id": result_field(FieldType.INTEGER),
    "task_id": result_field(FieldType.STRING, optional=True),
    "agent": result_field(FieldType.STRING, optional=True),
    "type_version": result_field(FieldType.STRING, optional=True),
    "created_at": result_field(FieldType.DATETIME),
    "deleted_at": result_field(FieldType.DATETIME, optional=True),
}
"""What the columns hold that every table has besides its own."""

_SYSTEM_SHAPES = {name: shape_of_field(SYSTEM_FIELD_SPECS[name]) for name in SYSTEM_FIELDS}
_NOT_SEARCHABLE = frozenset({FieldType.JSON, FieldType.LIST, FieldType.BINARY})


def row_shape(model: ModelSpec) -> Shape:
    """One row: the model's fields and the columns every table has."""
    return Shape(
        "object", {name: shape_of_field(field) for name, field in model.fields.items()} | _SYSTEM_SHAPES
    )


def _model_of(parameters: Mapping[str, Any], surroundings: Surroundings) -> ModelSpec | None:
    name = parameters.get("model")
    return surroundings.agent_type.spec.models.get(name) if isinstance(name, str) else None


def _check_model(tool: str, parameters: Mapping[str, Any], surroundings: Surroundings) -> Iterator[Finding]:
    name, models, grant = parameters.get("model"), surroundings.agent_type.spec.models, surroundings.grant
    if not isinstance(name, str) or has_expression(name):
        return
    if name not in models:
        yield Finding(
            "unknown-model", f"the type has no model `{name}`", ("model",), did_you_mean(name, models)
        )
    elif grant is not None and name not in (grant.models or ()):
        hint = f"add `{name}` to `models` of the grant of `{tool}` in `tools`"
        yield Finding("model-not-granted", f"the model `{name}` is not granted to `{tool}`", ("model",), hint)


def _check_names(
    names: Iterable[Any], model: ModelSpec, path: Path, *, system: Iterable[str] = ()
) -> Iterator[Finding]:
    """Names of fields in a list; `system` are the columns of every table that may be named as well."""
    known = {*model.fields, *system}
    for index, name in enumerate(names):
        if isinstance(name, str) and name not in known:
            yield Finding(
                "unknown-field", f"the model has no field `{name}`", (*path, index), did_you_mean(name, known)
            )


def _check_searchable(name: str, model: ModelSpec, path: Path) -> Iterator[Finding]:
    field = model.fields.get(name)
    if field is not None and (field.encrypted or field.type in _NOT_SEARCHABLE):
        what = "an encrypted field" if field.encrypted else f"a field of type {field.type.value}"
        yield Finding("field-not-searchable", f"rows cannot be found by `{name}`, {what}", path)


# --- writing -----------------------------------------------------------------------------------------


def _written(parameters: Mapping[str, Any], surroundings: Surroundings) -> Shape:
    model = _model_of(parameters, surroundings)
    return row_shape(model) if model else Shape("any")


def _check_writer(parameters: Mapping[str, Any], surroundings: Surroundings) -> Iterator[Finding]:
    yield from _check_model("database_writer", parameters, surroundings)
    model = _model_of(parameters, surroundings)
    if model is None:
        return
    mode = parameters.get("mode") or "insert"
    yield from _check_key(mode, parameters, model)
    values = parameters.get("values")
    if isinstance(values, Mapping):
        yield from _check_values(values, model, surroundings, by_id=mode == "update")
        if mode != "update":
            yield from _check_complete(values, model, parameters["model"])


def _check_key(mode: str, parameters: Mapping[str, Any], model: ModelSpec) -> Iterator[Finding]:
    key, values = parameters.get("key"), parameters.get("values")
    if mode == "insert":
        if key is not None:
            yield Finding(
                "parameter-without-effect", "`key` means nothing for `mode: insert`", ("key",), at_key=True
            )
        return
    if not isinstance(key, list) or not key:
        yield Finding("missing-parameter", f"`mode: {mode}` needs `key`, the fields that say which row", ())
        return
    wrong = [*_check_names(key, model, ("key",), system=("id",) if mode == "update" else ())]
    yield from wrong
    for index, name in enumerate(key):
        yield from _check_searchable(name, model, ("key", index))
        if isinstance(values, Mapping) and name not in values:
            yield Finding(
                "key-without-value", f"`values` gives no `{name}`, which is part of the key", ("key", index)
            )
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
    values: Mapping[str, Any], model: ModelSpec, surroundings: Surroundings, *, by_id: bool
) -> Iterator[Finding]:
    for name, value in values.items():
        field = model.fields.get(name)
        if field is not None:
            yield from surroundings.check_value(value, field, ("values", name))
        elif name not in SYSTEM_FIELDS:
            hint = did_you_mean(name, model.fields)
            yield Finding(
                "unknown-field", f"the model has no field `{name}`", ("values", name), hint, at_key=True
            )
        elif not (by_id and name == "id"):
            yield Finding("reserved-field", f"`{name}` is set by the system", ("values", name), at_key=True)


def _check_complete(values: Mapping[str, Any], model: ModelSpec, name: str) -> Iterator[Finding]:
    for field_name, field in model.fields.items():
        if field.required and field.default is None and field_name not in values:
            yield Finding(
                "missing-value",
                f"`{name}.{field_name}` is required, and `values` does not give it",
                ("values",),
            )


DATABASE_WRITER = ToolDeclaration(
    name="database_writer",
    title="Write a row",
    description="Writes one row of the type's own tables; it is committed together with the task's end.",
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
        "values": Parameter("mapping", "Field -> value or expression.", required=True),
    },
    result=_written,
    check=_check_writer,
)


# --- reading -----------------------------------------------------------------------------------------


def _read(parameters: Mapping[str, Any], surroundings: Surroundings) -> Shape:
    model = _model_of(parameters, surroundings)
    row = row_shape(model) if model else Shape("any")
    names = parameters.get("fields")
    if isinstance(names, list) and row.fields is not None:
        row = Shape("object", {name: shape for name, shape in row.fields.items() if name in names})
    first = Shape(row.type, row.fields, optional=True)
    return Shape("object", {"rows": Shape("list", items=row), "count": Shape("integer"), "first": first})


def _check_reader(parameters: Mapping[str, Any], surroundings: Surroundings) -> Iterator[Finding]:
    yield from _check_model("database_reader", parameters, surroundings)
    model = _model_of(parameters, surroundings)
    if model is None:
        return
    where = parameters.get("where")
    if isinstance(where, Mapping):
        yield from _check_where(where, model, surroundings)
    yield from _check_names(parameters.get("fields") or (), model, ("fields",), system=SYSTEM_FIELDS)
    order = [
        name.removeprefix("-") if isinstance(name, str) else name for name in parameters.get("order_by") or ()
    ]
    yield from _check_names(order, model, ("order_by",), system=SYSTEM_FIELDS)
    for index, name in enumerate(order):
        yield from _check_searchable(name, model, ("order_by", index))


def _check_where(where: Mapping[str, Any], model: ModelSpec, surroundings: Surroundings) -> Iterator[Finding]:
    for name, value in where.items():
        field = model.fields.get(name) or SYSTEM_FIELD_SPECS.get(name)
        if field is None:
            known = {*model.fields, *SYSTEM_FIELDS}
            path = ("where", name)
            yield Finding(
                "unknown-field",
                f"the model has no field `{name}`",
                path,
                did_you_mean(name, known),
                at_key=True,
            )
            continue
        yield from _check_searchable(name, model, ("where", name))
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from surroundings.check_value(item, field, ("where", name, index))
        elif value is not None and surroundings.shape_of(value).type != "list":
            yield from surroundings.check_value(value, field, ("where", name))


DATABASE_READER = ToolDeclaration(
    name="database_reader",
    title="Read rows",
    description="Reads rows of the type's own tables that its agents wrote.",
    effect=EffectClass.READ,
    implementation="reconciler.tools.database_reader:DatabaseReader",
    capabilities=frozenset({Capability.TABLES}),
    parameters={
        "model": Parameter(FieldType.STRING, "Which table.", required=True, static=True),
        "where": Parameter("mapping", "Field -> value it equals; a list: one of them; null: is null."),
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

"""What the tools that work on tables have in common: models, and the fields of their rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.expressions.scope import Shape, shape_of_field
from reconciler.expressions.template import has_expression
from reconciler.spec.agent_type import SYSTEM_FIELDS, ModelSpec
from reconciler.spec.fields import FieldSpec, FieldType
from reconciler.spec.findings import Finding, Path, did_you_mean
from reconciler.tools.base import Surroundings, result_field

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


def model_of(parameters: Mapping[str, Any], surroundings: Surroundings) -> ModelSpec | None:
    name = parameters.get("model")
    return surroundings.agent_type.spec.models.get(name) if isinstance(name, str) else None


def check_model(tool: str, parameters: Mapping[str, Any], surroundings: Surroundings) -> Iterator[Finding]:
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


def check_names(
    names: Iterable[Any], model: ModelSpec, path: Path, *, system: Iterable[str] = ()
) -> Iterator[Finding]:
    """Names of fields in a list; `system` are the columns of every table that may be named as well."""
    known = {*model.fields, *system}
    for index, name in enumerate(names):
        if isinstance(name, str) and name not in known:
            yield Finding(
                "unknown-field", f"the model has no field `{name}`", (*path, index), did_you_mean(name, known)
            )


def check_searchable(name: str, model: ModelSpec, path: Path) -> Iterator[Finding]:
    field = model.fields.get(name)
    if field is not None and (field.encrypted or field.type in _NOT_SEARCHABLE):
        what = "an encrypted field" if field.encrypted else f"a field of type {field.type.value}"
        yield Finding("field-not-searchable", f"rows cannot be found by `{name}`, {what}", path)

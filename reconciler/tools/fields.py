"""Field specs inside a tool's parameters, such as the `output` of a language model."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reconciler.expressions.scope import Shape, shape_of_field
from reconciler.spec.fields import Fields
from reconciler.spec.findings import Finding, Path, did_you_mean


@cache
def _adapter() -> TypeAdapter[Fields]:
    return TypeAdapter(Fields)


def declared_fields(value: Any) -> Fields | None:
    """The field specs a parameter's value means; None where it is none or a broken one."""
    if not isinstance(value, dict) or not value:
        return None
    try:
        return _adapter().validate_python(value)
    except ValidationError:
        return None


def complete_shape(fields: Fields) -> Shape:
    """An object that has every one of the fields, whether required or not."""
    shapes = {name: shape_of_field(field) for name, field in fields.items()}
    return Shape("object", {n: Shape(s.type, s.fields, s.items, values=s.values) for n, s in shapes.items()})


def field_spec_findings(value: Any, path: Path) -> Iterator[Finding]:
    """What is wrong with a mapping of field specs."""
    if not isinstance(value, dict) or not value:
        yield Finding("wrong-type", "must be field specs by name, such as `{summary: text}`", path)
        return
    try:
        _adapter().validate_python(value)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            yield _finding(detail["type"], detail["loc"], detail["msg"], detail.get("ctx", {}), path)


def _finding(
    kind: str, location: tuple[int | str, ...], message: str, context: dict[str, Any], path: Path
) -> Finding:
    # pydantic marks an error of a key with a part of its own; the path of a document has none such.
    at_key = "[key]" in location
    where = (*path, *(part for part in location if part != "[key]"))
    if kind == "extra_forbidden":
        hint = did_you_mean(str(location[-1]), _attributes())
        return Finding("unknown-key", f"a field has no attribute `{location[-1]}`", where, hint, at_key=True)
    if at_key:
        return Finding(
            "bad-name",
            "a field's name is lower case, words joined by `_`, at most 40 characters",
            where,
            at_key=True,
        )
    if kind == "missing":
        return Finding("missing-key", f"a field needs `{location[-1]}`", where[:-1])
    if kind == "enum" and location[-1] == "type":
        return Finding(
            "bad-value",
            f"no such field type; it is one of {context.get('expected', 'the field types')}",
            where,
        )
    return Finding("bad-field", message, where)


@cache
def _attributes() -> tuple[str, ...]:
    from reconciler.spec.fields import FieldSpec

    return tuple(FieldSpec.model_fields)

"""A field: what one value of an input, a setting, an output or a table column may be."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, StringConstraints, WrapValidator, model_validator
from pydantic_core import PydanticCustomError

from reconciler.spec.base import FieldName, SpecModel


class FieldType(StrEnum):
    STRING = "string"
    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    UUID = "uuid"
    ENUM = "enum"
    JSON = "json"
    LIST = "list"
    BINARY = "binary"
    REFERENCE = "reference"


class OnDelete(StrEnum):
    CASCADE = "cascade"
    RESTRICT = "restrict"
    SET_NULL = "set_null"


class StringFormat(StrEnum):
    EMAIL = "email"
    URI = "uri"
    HOSTNAME = "hostname"
    IPV4 = "ipv4"
    IPV6 = "ipv6"
    SLUG = "slug"


_TEXTUAL = frozenset({FieldType.STRING, FieldType.TEXT})
_NUMERIC = frozenset({FieldType.INTEGER, FieldType.NUMBER, FieldType.DECIMAL})
_SIZED = _TEXTUAL | {FieldType.LIST, FieldType.BINARY}

APPLIES_TO: dict[str, frozenset[FieldType]] = {
    "min": _NUMERIC,
    "max": _NUMERIC,
    "min_length": _SIZED,
    "max_length": _SIZED,
    "precision": frozenset({FieldType.DECIMAL}),
    "scale": frozenset({FieldType.DECIMAL}),
    "pattern": _TEXTUAL,
    "format": _TEXTUAL,
    "values": frozenset({FieldType.ENUM}),
    "items": frozenset({FieldType.LIST}),
    "model": frozenset({FieldType.REFERENCE}),
    "on_delete": frozenset({FieldType.REFERENCE}),
    "default": frozenset(FieldType) - {FieldType.REFERENCE, FieldType.BINARY},
    "unique": frozenset(FieldType) - {FieldType.JSON, FieldType.LIST, FieldType.BINARY},
    "index": frozenset(FieldType) - {FieldType.JSON, FieldType.LIST, FieldType.BINARY},
    "encrypted": frozenset(FieldType) - {FieldType.REFERENCE, FieldType.ENUM},
}
"""Which attribute makes sense on which types; everything not named here applies to all."""

EnumValue = Annotated[str, StringConstraints(min_length=1, max_length=63)]
Scalar = str | int | float | bool
_SCALARS = frozenset({str, int, float, bool, type(None)})


_ALWAYS = frozenset({"type", "required", "description", "sensitive", "renamed_from"})
_DEPENDENT = frozenset({"min", "min_length", "scale", "encrypted", "values", "model", "on_delete"})
_NEVER_WRONG: dict[FieldType, frozenset[str]] = {
    kind: _ALWAYS | {name for name, kinds in APPLIES_TO.items() if kind in kinds and name not in _DEPENDENT}
    for kind in FieldType
    if kind not in (FieldType.ENUM, FieldType.REFERENCE)
}
"""Attributes that fit a type whatever else is said: fields with no others need not be looked at further."""


class FieldSpec(SpecModel):
    """Field of an input, setting, output or model. The shorthand `name: string` means `{type: string}`."""

    type: FieldType = Field(strict=False, description="What kind of value the field holds.")
    required: bool = Field(
        False, description="A value must be given (inputs) and the column is NOT NULL (models)."
    )
    default: Scalar | list[Any] | dict[str, Any] | None = Field(
        None, description="Literal used where no value is given."
    )
    unique: bool = Field(False, description="No two rows share a value.")
    index: bool = Field(False, description="Looked up often: an index is kept.")
    min: int | float | None = Field(None, description="Smallest allowed number.")
    max: int | float | None = Field(None, description="Largest allowed number.")
    min_length: int | None = Field(None, ge=0, le=10_000_000, description="Least characters, bytes or items.")
    max_length: int | None = Field(None, ge=1, le=10_000_000, description="Most characters, bytes or items.")
    precision: int | None = Field(None, ge=1, le=38, description="Digits of a decimal in all.")
    scale: int | None = Field(None, ge=0, le=38, description="Digits of a decimal after the point.")
    pattern: str | None = Field(
        None, max_length=500, description="Linear regular expression the text must match."
    )
    format: StringFormat | None = Field(None, strict=False, description="Well-known shape of a text.")
    values: list[EnumValue] | None = Field(None, min_length=1, description="The allowed values of an enum.")
    items: ItemSpec | None = Field(None, description="What the items of a list are.")
    description: str | None = Field(
        None, max_length=1000, description="What the field means, for people and models."
    )
    sensitive: bool = Field(False, description="Masked in logs, traces, plans and documents.")
    encrypted: bool = Field(False, description="Stored encrypted; cannot be filtered, sorted or indexed.")
    renamed_from: FieldName | None = Field(
        None, description="The field's former name: its column is renamed, not dropped."
    )
    model: str | None = Field(None, description="Target of a reference: `model` or `other-type.model`.")
    on_delete: OnDelete | None = Field(
        None,
        strict=False,
        description="What happens to this row when the referenced one goes; default restrict.",
    )

    @model_validator(mode="after")
    def _attributes_fit_the_type(self) -> FieldSpec:
        if not self.model_fields_set <= _NEVER_WRONG.get(self.type, frozenset()):
            _check_applicable(self)
            _check_complete(self)
            _check_coherent(self)
        return self


def _check_applicable(field: FieldSpec) -> None:
    given = field.model_fields_set
    for attribute in APPLIES_TO:
        value = getattr(field, attribute) if attribute in given else None
        if value is not None and value is not False and field.type not in APPLIES_TO[attribute]:
            allowed = ", ".join(kind.value for kind in FieldType if kind in APPLIES_TO[attribute])
            raise PydanticCustomError(
                "attribute_not_applicable",
                "`{attribute}` does not apply to a field of type {type}; it applies to {allowed}",
                {"attribute": attribute, "type": field.type.value, "allowed": allowed},
            )


def _check_complete(field: FieldSpec) -> None:
    if field.type is FieldType.ENUM and not field.values:
        raise PydanticCustomError("enum_without_values", "an enum needs `values`")
    if field.type is FieldType.REFERENCE and not field.model:
        raise PydanticCustomError(
            "reference_without_model", "a reference needs `model`, the model it points at"
        )


def _check_coherent(field: FieldSpec) -> None:
    if field.values and len(set(field.values)) != len(field.values):
        raise PydanticCustomError("enum_repeats", "`values` names a value twice")
    if field.scale is not None and field.scale > (field.precision or 18):
        raise PydanticCustomError("scale", "`scale` cannot be larger than `precision`")
    for low, high in (("min", "max"), ("min_length", "max_length")):
        least, most = getattr(field, low), getattr(field, high)
        if least is not None and most is not None and least > most:
            raise PydanticCustomError(
                "empty_range", "`{low}` is larger than `{high}`", {"low": low, "high": high}
            )
    if field.encrypted and (field.unique or field.index):
        raise PydanticCustomError("encrypted_index", "an encrypted field can be neither unique nor indexed")
    if field.on_delete is OnDelete.SET_NULL and field.required:
        raise PydanticCustomError(
            "set_null_required", "`on_delete: set_null` needs a field that is not required"
        )


def _expand_shorthand(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value


class ItemSpec(SpecModel):
    """What each item of a list is; lists do not nest."""

    type: FieldType = Field(strict=False)
    values: list[EnumValue] | None = None
    min: int | float | None = None
    max: int | float | None = None
    max_length: int | None = Field(None, ge=1)
    pattern: str | None = Field(None, max_length=500)
    format: StringFormat | None = Field(None, strict=False)

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, value: Any) -> Any:
        return _expand_shorthand(value)

    @model_validator(mode="after")
    def _plain(self) -> ItemSpec:
        if self.type in (FieldType.LIST, FieldType.REFERENCE, FieldType.BINARY):
            raise PydanticCustomError(
                "item_type", "items of a list cannot be {type}", {"type": self.type.value}
            )
        if self.type is FieldType.ENUM and not self.values:
            raise PydanticCustomError("enum_without_values", "an enum needs `values`")
        return self


_REMEMBERED = 4096
_remembered: dict[str, FieldSpec] = {}


def _field(value: Any, make: Callable[[Any], FieldSpec]) -> FieldSpec:
    """The field a value means. The same few recur throughout a repository of manifests: each is made once."""
    value = _expand_shorthand(value)
    if not isinstance(value, dict) or not _SCALARS.issuperset(map(type, value.values())):
        return make(value)
    key = repr(value)  # unlike equality it tells 1 from true
    field = _remembered.get(key)
    if field is None:
        field = make(value)
        if len(_remembered) >= _REMEMBERED:
            _remembered.clear()
        _remembered[key] = field
    return field


Fields = dict[FieldName, Annotated[FieldSpec, WrapValidator(_field)]]
"""Fields by name, in order. A value may be the shorthand: just the type's name."""

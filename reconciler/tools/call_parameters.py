"""The parameters of one call: made fit for the tool, or refused with the place of the value that does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.errors import BadParameter, ExpressionError, RunError
from reconciler.expressions.values import to_text
from reconciler.spec.fields import Fields, FieldSpec, FieldType
from reconciler.spec.validation import ValuesInvalid, validator_of
from reconciler.tools.base import OtherType, Parameter, ToolDeclaration

_FIELD_TYPES: Mapping[OtherType, FieldType] = {
    "any": FieldType.JSON,
    "template": FieldType.TEXT,
    "mapping": FieldType.JSON,
    "fields": FieldType.JSON,
    "secret": FieldType.STRING,
}
"""What holds a parameter that is of no field type."""


class CallParameters:
    """Compiled from a declaration. As at plan time, a parameter that is none is one that was not given.

    `discreet`: what is refused is not quoted, because it may have come from a field that is sensitive.
    """

    def __init__(self, declaration: ToolDeclaration, *, discreet: bool = False) -> None:
        self._discreet = discreet
        parameters = declaration.parameters
        self._fields: Fields = {name: _field(parameter) for name, parameter in parameters.items()}
        self._validator = validator_of(self._fields)
        self._texts = tuple(name for name, p in parameters.items() if p.type == "template")
        self._objects = tuple(name for name, p in parameters.items() if p.type in ("mapping", "fields"))

    def check(self, given: Mapping[str, Any], step: str) -> dict[str, Any]:
        """The parameters with defaults filled in. Raises BadParameter."""
        checked = self._validator.attempt(given)
        if checked is None or None in checked.values():
            checked = self._adapted(given, step)
        for name in self._objects:
            if name in checked and not isinstance(checked[name], dict):
                raise BadParameter(f"/{name}: must be an object", where=f"{step}/with/{name}")
        return checked

    def _adapted(self, given: Mapping[str, Any], step: str) -> dict[str, Any]:
        """Of parameters that do not fit as they are: texts made of other values, none left out."""
        for name in self._texts:
            value = given.get(name)
            if value is not None and value.__class__ is not str:
                given = {**given, name: _as_text(value, name, step)}
        given = {name: value for name, value in given.items() if value is not None}
        try:
            return self._validator.validate(given, noun="parameter")
        except ValuesInvalid as error:
            raise self._refused(error, f"{step}/with") from error

    def _refused(self, error: ValuesInvalid, where: str) -> RunError:
        refused = error.as_run_error(BadParameter, where)
        code = error.findings[0].code
        if self._discreet and code.startswith("value-"):
            return BadParameter(f"{error.where}: the value does not fit ({code})", where=refused.where)
        return refused


def _field(parameter: Parameter) -> FieldSpec:
    field = parameter.field
    if field is None:
        assert not isinstance(parameter.type, FieldType)  # those have a field
        return FieldSpec(
            type=_FIELD_TYPES[parameter.type], required=parameter.required, default=parameter.default
        )
    return field.model_copy(update={"required": parameter.required, "default": parameter.default})


def _as_text(value: Any, name: str, step: str) -> str:
    """A text that is one expression keeps that expression's type; where a text is wanted it becomes one after all."""
    try:
        return to_text(value)
    except ExpressionError as error:
        raise BadParameter(f"/{name}: {error.message}", where=f"{step}/with/{name}") from error

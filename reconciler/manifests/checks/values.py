"""Values of a step's parameters: literals, expressions, and literals with expressions inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.errors import ExpressionError
from reconciler.expressions.scope import Examined, Shape, examine
from reconciler.expressions.template import Template, has_expression, parse, parse_condition, texts
from reconciler.spec.fields import FieldSpec, FieldType, ItemSpec
from reconciler.spec.findings import Finding, Path, did_you_mean
from reconciler.spec.literals import check_literal

ANY = Shape("any")
TEXT = Shape("text")

_TEXTUAL = frozenset({"string", "text", "enum", "uuid", "date", "datetime"})
_PLAIN_TEXT = frozenset({"string", "text"})
FITS: Mapping[FieldType, frozenset[str]] = {
    FieldType.STRING: _TEXTUAL,
    FieldType.TEXT: _TEXTUAL,
    FieldType.ENUM: _PLAIN_TEXT | {"enum"},
    FieldType.UUID: _PLAIN_TEXT | {"uuid"},
    FieldType.DATE: _PLAIN_TEXT | {"date"},
    FieldType.DATETIME: _PLAIN_TEXT | {"date", "datetime"},
    FieldType.INTEGER: frozenset({"integer", "reference"}),
    FieldType.REFERENCE: frozenset({"integer", "reference"}),
    FieldType.NUMBER: frozenset({"integer", "number", "decimal"}),
    FieldType.DECIMAL: _PLAIN_TEXT | {"integer", "number", "decimal"},
    FieldType.BOOLEAN: frozenset({"boolean"}),
    FieldType.LIST: frozenset({"list"}),
    FieldType.BINARY: _PLAIN_TEXT | {"binary"},
    FieldType.JSON: frozenset(
        {"object", "list", "boolean", "integer", "number", "decimal", "reference", "binary"}
    )
    | _TEXTUAL,
}
"""Shapes whose values a field can hold. A text may turn out to be a date; it never is a number."""


class Scope:
    """What expressions may refer to. `steps` are the ids of all steps, whether they have run or not.

    Its names are fixed, so that what was found out about a template is not worked out again.
    """

    __slots__ = ("_examined", "names", "steps")

    def __init__(self, names: Mapping[str, Shape], steps: frozenset[str] = frozenset()) -> None:
        self.names = names
        self.steps = steps
        self._examined: dict[tuple[str, bool], Examined] = {}

    def with_name(self, name: str, shape: Shape) -> Scope:
        return Scope({**self.names, name: shape}, self.steps)

    def examine(self, template: Template) -> Examined:
        # The same text means one thing as a condition and another as a text with an expression in it.
        key = (template.text, template.is_expression)
        examined = self._examined.get(key)
        if examined is None:
            examined = self._examined[key] = examine(template, self.names)
        return examined

    def shape_of(self, value: Any) -> Shape:
        """What a value will be, its expressions evaluated; errors in it are `check_texts`' business."""
        if isinstance(value, str):
            if not has_expression(value):
                return TEXT
            template = _parsed(value)
            return self.examine(template).shape if template else ANY
        if isinstance(value, Mapping):
            return Shape("object", {str(key): self.shape_of(item) for key, item in value.items()})
        if isinstance(value, list):
            return Shape("list", items=self.shape_of(value[0]) if len(value) == 1 else None)
        return Shape(_LITERAL.get(type(value), "any"), optional=value is None)


_LITERAL = {bool: "boolean", int: "integer", float: "number", type(None): "null"}


def check_texts(value: Any, path: Path, scope: Scope) -> Iterator[Finding]:
    """Whether all expressions inside a value parse and refer to what there is."""
    yield from check_found(texts(value), path, scope)


def check_found(found: Iterable[tuple[Path, str]], path: Path, scope: Scope) -> Iterator[Finding]:
    """The same for the texts of a value at `path`, once they are found."""
    for inner, text in found:
        try:
            template = parse(text)
        except ExpressionError as error:
            yield _syntax(error, (*path, *inner))
        else:
            if scope.examine(template).findings:
                yield from _findings(template, (*path, *inner), scope)


def check_condition(text: str, path: Path, scope: Scope) -> Iterator[Finding]:
    """The same for a text that is one expression, with or without braces."""
    try:
        template = parse_condition(text)
    except ExpressionError as error:
        yield _syntax(error, path)
    else:
        yield from _findings(template, path, scope)


def shape_of_condition(text: str, scope: Scope) -> Shape:
    try:
        return scope.examine(parse_condition(text)).shape
    except ExpressionError:
        return ANY


def check_value(value: Any, field: FieldSpec, path: Path, scope: Scope) -> Iterator[Finding]:
    """Whether a field can hold a value. Its expressions are taken to be right in themselves."""
    if isinstance(value, str) and has_expression(value):
        template = _parsed(value)
        if template is not None:
            yield from check_fit(scope.examine(template).shape, field, path)
    elif field.type is FieldType.LIST and isinstance(value, list) and texts(value):
        if field.items is not None:
            for index, item in enumerate(value):
                yield from check_value(item, _field_of(field.items), (*path, index), scope)
    elif field.type is not FieldType.JSON or value is None:
        yield from check_literal(value, field, path)


def check_fit(shape: Shape, field: FieldSpec, path: Path) -> Iterator[Finding]:
    """Whether what an expression gives can be stored in a field; only what never works is an error."""
    if shape.type == "null":
        if field.required:
            yield Finding("value-missing", "a value is required here, and the expression gives none", path)
        return
    if shape.type not in ("any", "json"):
        if shape.type not in FITS[field.type]:
            hint = _CONVERSION.get(field.type, "") if shape.type != "list" else ""
            yield Finding(
                "value-type",
                f"must be of type {field.type.value}; the expression gives {shape.type}",
                path,
                hint,
            )
            return
        if shape.values and field.values and not shape.values <= set(field.values):
            yield _foreign_values(shape.values, field.values, path)
        elif shape.items is not None and field.items is not None:
            yield from check_fit(shape.items, _field_of(field.items), path)
    if shape.optional and field.required and field.default is None:
        message = "a value is required here, and the expression may give none"
        yield Finding("may-be-missing", message, path, "add `| default(...)`", "warning")


_CONVERSION = {
    FieldType.INTEGER: "convert it with `| int`",
    FieldType.NUMBER: "convert it with `| float`",
    FieldType.STRING: "convert it with `| string`",
    FieldType.TEXT: "convert it with `| string`",
}


def _foreign_values(given: frozenset[str], allowed: list[str], path: Path) -> Finding:
    foreign = sorted(given.difference(allowed))
    names = ", ".join(f"`{name}`" for name in foreign)
    if given.isdisjoint(allowed):
        hint = did_you_mean(foreign[0], allowed)
        return Finding(
            "value-not-allowed", f"the expression gives {names}, none of the allowed values", path, hint
        )
    message = f"the expression may give {names}, which the field does not allow"
    return Finding("may-not-be-allowed", message, path, severity="warning")


def _field_of(item: ItemSpec) -> FieldSpec:
    # Items came through validation; their attributes are a subset of a field's.
    return FieldSpec.model_construct(**dict(item), required=True)


def _parsed(text: str) -> Template | None:
    try:
        return parse(text)
    except ExpressionError:
        return None


def _syntax(error: ExpressionError, path: Path) -> Finding:
    return Finding("expression-syntax", error.message, path, error.hint, offset=error.offset)


def _findings(template: Template, path: Path, scope: Scope) -> Iterator[Finding]:
    found = scope.examine(template).findings
    if not found:
        return
    misplaced = [*_misplaced(template, path, scope)]
    yield from misplaced
    for each in found if not misplaced else ():
        code = "expression" if each.severity == "error" else "expression-may-fail"
        yield Finding(code, each.message, path, each.hint, each.severity, offset=each.offset)


def _misplaced(template: Template, path: Path, scope: Scope) -> Iterator[Finding]:
    """Names that are not known and deserve a better word."""
    steps = scope.names.get("steps")
    ran: Mapping[str, Shape] = (steps.fields or {}) if steps else {}
    for reference in template.references:
        root = reference.path[0]
        if root == "secrets":
            hint = "a tool that needs a secret has a parameter for its name, such as `password_secret`"
            yield Finding(
                "secret-in-expression", "expressions cannot read secrets", path, hint, offset=reference.offset
            )
        elif root == "steps" and len(reference.path) > 1 and steps is not None:
            name = reference.path[1]
            if name not in ran and name in scope.steps:
                message = f"step `{name}` has not run before this one"
                hint = "a step sees those above it, not those beside it in the same `parallel`"
                yield Finding("step-not-earlier", message, path, hint, offset=reference.offset)

"""The form that a language model's answer must have: as words in the prompt, as a schema, as the judge of an answer."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from reconciler.spec.field_schema import Schema, json_schema_of
from reconciler.spec.fields import Fields, FieldSpec, FieldType, ItemSpec
from reconciler.spec.findings import Finding, pointer
from reconciler.spec.validation import ValuesInvalid, validator_of
from reconciler.tools.declarations.language_model import answer_fields

_FENCED = re.compile(r"^\s*```[a-z]*\s*\n(.*)\n\s*```\s*$", re.DOTALL)


_FINDINGS = 20
"""How many are told at most: an answer that has more wrong with it is better written anew than put right."""


class AnswerUnfit(Exception):
    """What is wrong with an answer: as the model is told, which wrote it, and as errors and logs may say it, without
    the values."""

    def __init__(self, told: str, told_discreetly: str = "") -> None:
        super().__init__(told_discreetly or told)
        self.told = told
        self.told_discreetly = told_discreetly or told


class AnswerForm:
    """Made once for the same `output`."""

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self.schema: Schema = json_schema_of(fields)
        self.described = _described(fields)
        self._validator = validator_of(fields)

    def read(self, text: str) -> dict[str, Any]:
        """The values of an answer, every field among them. Raises AnswerUnfit."""
        values = _object_in(text)
        # Null is how a model leaves out what it does not know; a default then stands in for it.
        given = {
            name: value
            for name, value in values.items()
            if value is not None or name not in self.fields or self.fields[name].default is None
        }
        try:
            return self._validator.complete(given, noun="field")
        except ValuesInvalid as error:
            raise self._unfit(error.findings) from error

    def _unfit(self, findings: tuple[Finding, ...]) -> AnswerUnfit:
        told = [_line(finding) for finding in findings[:_FINDINGS]]
        discreet = [_discreet_line(finding) for finding in findings[:_FINDINGS]]
        return AnswerUnfit("\n".join(told), "\n".join(discreet))

    @property
    def holds_secrets(self) -> bool:
        return any(field.sensitive or field.encrypted for field in self.fields.values())


def _line(finding: Finding) -> str:
    hint = f" ({finding.hint})" if finding.hint else ""
    return f"{pointer(finding.path) or '/'}: {finding.message}{hint}"


def _discreet_line(finding: Finding) -> str:
    """Names of fields are no secret, what a model made up in their place may be one."""
    if finding.code == "missing-field":
        return f"/: {finding.message}"
    place = "" if finding.at_key else pointer(finding.path)
    return f"{place or '/'}: does not fit ({finding.code})"


def answer_form(output: dict[str, Any]) -> AnswerForm:
    """Of the parameter `output`, which has been checked with the manifest."""
    return _form(json.dumps(output))


@lru_cache(maxsize=512)
def _form(output: str) -> AnswerForm:
    fields = answer_fields(json.loads(output))
    assert fields is not None, "the reader lets no other `output` through"
    return AnswerForm(fields)


def _object_in(text: str) -> dict[str, Any]:
    """The JSON object of an answer, also one put in a code fence. Raises AnswerUnfit."""
    fenced = _FENCED.match(text)
    try:
        found = json.loads(fenced[1] if fenced else text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise AnswerUnfit(f"/: is not JSON ({reason})") from error
    if not isinstance(found, dict):
        raise AnswerUnfit("/: must be a JSON object with the fields")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")


def _described(fields: Fields) -> str:
    lines = [f"- {name}: {_meaning(field)}" for name, field in fields.items()]
    return "Answer with one JSON object and nothing else. It has exactly these fields:\n" + "\n".join(lines)


def _meaning(field: FieldSpec) -> str:
    means = f"{_kind(field)}{_bounds(field)}"
    if not field.required:
        means += ", or null where there is none"
    return f"{means}. {field.description}" if field.description else means


def _kind(field: FieldSpec | ItemSpec) -> str:
    if field.type is FieldType.ENUM:
        return "one of " + ", ".join(json.dumps(value, ensure_ascii=False) for value in field.values or ())
    if field.type is FieldType.LIST and isinstance(field, FieldSpec) and field.items is not None:
        return f"list, each item {_kind(field.items)}{_bounds(field.items)}"
    return _NOUNS[field.type] if field.format is None else f"text that is a valid {field.format.value}"


def _bounds(field: FieldSpec | ItemSpec) -> str:
    unit = _UNITS.get(field.type, "characters")
    least = field.min_length if isinstance(field, FieldSpec) else None
    said = [
        (field.min, "at least {}"),
        (field.max, "at most {}"),
        (least, f"at least {{}} {unit}"),
        (field.max_length, f"at most {{}} {unit}"),
        (field.pattern, "matching the regular expression {}"),
    ]
    return "".join(f", {words.format(bound)}" for bound, words in said if bound is not None)


_NOUNS: dict[FieldType, str] = {
    FieldType.STRING: "text",
    FieldType.TEXT: "text",
    FieldType.INTEGER: "whole number",
    FieldType.NUMBER: "number",
    FieldType.DECIMAL: 'decimal number in quotes, such as "12.50"',
    FieldType.BOOLEAN: "true or false",
    FieldType.DATE: "date, such as 2025-12-31",
    FieldType.DATETIME: "date with time, such as 2025-12-31T23:59:00Z",
    FieldType.UUID: "UUID",
    FieldType.JSON: "any JSON value",
    FieldType.LIST: "list",
    FieldType.BINARY: "bytes in base64",
    FieldType.REFERENCE: "id of a row, a whole number",
}
_UNITS = {FieldType.LIST: "items", FieldType.BINARY: "bytes"}

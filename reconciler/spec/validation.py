"""Many values against the same fields: a compiled validator that says yes fast, and the rules themselves for a no."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from pydantic_core import SchemaValidator, ValidationError

from reconciler.errors import ReconcilerError, RunError
from reconciler.spec.field_validators import Filling, Others, object_schema
from reconciler.spec.fields import Fields
from reconciler.spec.findings import Finding, pointer
from reconciler.spec.literals import check_given, check_known
from reconciler.spec.normal import normal


class ValuesInvalid(ReconcilerError):
    """All that is wrong, paths counted from the values; the message tells the first.

    `findings` may quote any value: they are for whoever made the values. `discreet` are the same without the values of
    sensitive fields, fit for logs and for everyone; so are message and hint.
    """

    code = "values-invalid"
    http_status = 422

    def __init__(self, findings: tuple[Finding, ...], fields: Fields) -> None:
        self.findings = findings
        self.discreet = tuple(_discreet(finding, fields) for finding in findings)
        first = self.discreet[0]
        place = pointer(first.path)
        message = _sentence(first, place)
        if len(findings) > 1:
            message += f" (and {len(findings) - 1} more)"
        super().__init__(message, where=place, hint=first.hint)

    def as_run_error(self, kind: type[RunError], where: str) -> RunError:
        """The same as the end of a task. `where` names what holds the values: a step's id, `input`."""
        return kind(self.message, where=f"{where}{self.where}", hint=self.hint)


_Compiled = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Raises ValidationError."""


class FieldsValidator:
    """What `check_literal` says of each value, said of many at once. Every method raises ValuesInvalid.

    `noun` is what findings call a value by name: `missing-input`, `unknown-setting`. Values come back in the order of
    the fields, each in its one way of writing (`normal`), and share no list with what was given; objects inside them
    they do share.
    """

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self._partial = self._compiled("_partial", "nothing")
        self._with_defaults = self._compiled("_with_defaults", "defaults")
        self._complete = self._compiled("_complete", "everything")
        self._selected = self._compiled("_selected", "everything", "ignore")

    # One method per way of filling, each with its own try: a call more would be a tenth of what a validation costs.

    def validate(
        self, values: Mapping[str, Any], *, partial: bool = False, noun: str = "value"
    ) -> dict[str, Any]:
        """What was given, and defaults for what was not. `partial`: any may be missing, and none is filled in."""
        try:
            return (self._partial if partial else self._with_defaults)(values)
        except ValidationError:
            return self._judged(values, "nothing" if partial else "defaults", noun)

    def attempt(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """What `validate` gives; None where it might refuse, which to find out costs more."""
        try:
            return self._with_defaults(values)
        except ValidationError:
            return None

    def complete(self, values: Mapping[str, Any], *, noun: str = "value") -> dict[str, Any]:
        """Every field: what was given, else its default, else None."""
        try:
            return self._complete(values)
        except ValidationError:
            return self._judged(values, "everything", noun)

    def select(self, values: Mapping[str, Any], *, noun: str = "value") -> dict[str, Any]:
        """The same of an object that may have more: what is not declared is left out."""
        try:
            return self._selected(values)
        except ValidationError:
            pass
        if isinstance(values, Mapping):
            values = {name: values[name] for name in self.fields if name in values}
        return self._judged(values, "everything", noun)

    def _compiled(self, name: str, filling: Filling, others: Others = "forbid") -> _Compiled:
        """Compiles when it is first called, and then puts what it has compiled in its own place."""

        def first(values: Mapping[str, Any]) -> dict[str, Any]:
            compiled: _Compiled = SchemaValidator(
                object_schema(self.fields, filling, others=others)
            ).validate_python
            setattr(self, name, compiled)
            return compiled(values)

        return first

    def _judged(self, values: Mapping[str, Any], filling: Filling, noun: str) -> dict[str, Any]:
        """The rules themselves. They have the last word: the compiled validator may be stricter, never laxer."""
        findings = (*_findings(values, self.fields, filling, noun),)
        if findings:
            raise ValuesInvalid(findings, self.fields)
        judged: dict[str, Any] = {}
        for name, field in self.fields.items():
            if name in values:
                judged[name] = normal(values[name], field)
            elif filling != "nothing" and field.default is not None:
                judged[name] = normal(deepcopy(field.default), field)
            elif filling == "everything":
                judged[name] = None
        return judged


def _findings(values: Any, fields: Fields, filling: Filling, noun: str) -> Iterator[Finding]:
    if not isinstance(values, Mapping):
        yield Finding("value-type", f"must be an object of {noun}s by name", ())
    elif filling == "nothing":
        yield from check_known(values, fields, (), noun)
    else:
        yield from check_given(values, fields, (), noun)


def _sentence(finding: Finding, place: str) -> str:
    """The message with what it is about, unless it names that itself."""
    if not place or finding.at_key:
        return finding.message
    name = f"`{place.removeprefix('/')}`"
    return (
        f"{name} {finding.message}" if finding.message.startswith("must ") else f"{name}: {finding.message}"
    )


def _discreet(finding: Finding, fields: Fields) -> Finding:
    """Messages quote values, and messages are logged and shown: not those of sensitive fields."""
    field = fields.get(str(finding.path[0])) if finding.path else None
    if field is None or not (field.sensitive or field.encrypted):
        return finding
    hint = "the field is sensitive: its value is not shown"
    return replace(finding, message=f"must fit the field, and does not ({finding.code})", hint=hint)


_KEPT = 1024
_kept: dict[int, FieldsValidator] = {}


def validator_of(fields: Fields) -> FieldsValidator:
    """The validator of this very object, compiled when it is first needed and kept: `fields` must not change."""
    kept = _kept.get(id(fields))
    if kept is None or kept.fields is not fields:
        if len(_kept) >= _KEPT:
            _kept.clear()
        kept = _kept[id(fields)] = FieldsValidator(fields)
    return kept

"""Specs and tables as plain documents, without the values nobody should read in a plan.

A field declared `sensitive` or `encrypted` hides its literals wherever they stand: as its default, as an
agent's setting, as the input of a manifest's test.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.plans.changes import Change, Kind
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from reconciler.spec.fields import FieldSpec
from reconciler.spec.tables import Column, Table

if TYPE_CHECKING:
    from reconciler.plans.changes import Subject

MASK = "(sensitive)"

SettingsLookup = Callable[[str], Collection[str] | None]
"""Name of a type -> names of its sensitive settings; None where the type is not known."""


@dataclass(frozen=True)
class Hidden:
    """A value that can be compared but not read."""

    value: Any

    def __repr__(self) -> str:
        return MASK


def settings_lookup(changes: Iterable[Change], elsewhere: SettingsLookup | None = None) -> SettingsLookup:
    """What the changed types say of their settings, and `elsewhere` for all other types."""
    known: dict[str, set[str]] = {}
    for change in changes:
        for subject in (change.before, change.after) if change.kind is Kind.TYPE else ():
            if isinstance(subject, AgentType):
                known.setdefault(subject.name, set()).update(_secret(subject.spec.settings))

    def lookup(type_name: str) -> Collection[str] | None:
        if type_name in known:
            return known[type_name]
        return elsewhere(type_name) if elsewhere else None

    return lookup


def masked_document(subject: Subject, sensitive_settings: SettingsLookup) -> dict[str, Any]:
    """The subject as JSON-ready values without defaults, hidden values replaced by `MASK`."""
    return _document(subject, sensitive_settings, lambda value: MASK)


def comparable_document(subject: Subject, sensitive_settings: SettingsLookup) -> dict[str, Any]:
    """The same with `Hidden` values: two of them differ where the secrets do, and neither tells its own."""
    return _document(subject, sensitive_settings, Hidden)


def _document(subject: Subject, lookup: SettingsLookup, hide: Callable[[Any], Any]) -> dict[str, Any]:
    data = subject.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    match subject:
        case AgentType():
            _hide_in_type(subject, data.get("spec", {}), hide)
        case Agent():
            settings = data.get("spec", {}).get("settings", {})
            names = lookup(subject.spec.type)
            # The settings of a type that nobody knows could all be secrets.
            _hide(settings, settings.keys() if names is None else names, hide)
        case Table():
            for column, document in zip(subject.columns, data.get("columns", ()), strict=False):
                _hide_default(column, document, hide)
        case Column():
            _hide_default(subject, data, hide)
        case _:
            pass
    return data


def _hide_in_type(agent_type: AgentType, spec: dict[str, Any], hide: Callable[[Any], Any]) -> None:
    declared = agent_type.spec
    groups = [(declared.settings, spec.get("settings", {})), (declared.input, spec.get("input", {}))]
    output_fields: Mapping[str, FieldSpec] = {}
    if declared.output and declared.output.fields:
        output_fields = declared.output.fields
        groups.append((output_fields, spec["output"].get("fields", {})))
    for name, model in declared.models.items():
        groups.append((model.fields, spec["models"][name]["fields"]))
        if declared.output and declared.output.model == name:
            output_fields = model.fields
    for fields, documents in groups:
        for name in _secret(fields):
            _hide(documents[name], ("default",), hide)
    for test in spec.get("tests", ()):
        _hide(test.get("input", {}), _secret(declared.input), hide)
        _hide(test.get("settings", {}), _secret(declared.settings), hide)
        _hide(test.get("expect", {}).get("output") or {}, _secret(output_fields), hide)


def _hide_default(column: Column, document: dict[str, Any], hide: Callable[[Any], Any]) -> None:
    if column.sensitive or column.encrypted:
        _hide(document, ("default",), hide)


def _hide(document: dict[str, Any], names: Iterable[str], hide: Callable[[Any], Any]) -> None:
    for name in list(names):
        if document.get(name) is not None:
            document[name] = hide(document[name])


def _secret(fields: Mapping[str, FieldSpec]) -> set[str]:
    return {name for name, field in fields.items() if field.sensitive or field.encrypted}

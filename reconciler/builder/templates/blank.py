"""Blank: what is handed in is checked and stored. A place to begin where no other template fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.builder.slots import SlotKind, SlotSpec, Values
from reconciler.builder.templates.asking import PURPOSE, SECRETS, name_slot
from reconciler.builder.templates.documents import agent_document, described, title_of, type_document
from reconciler.builder.templates.samples import sample_of
from reconciler.builder.templates.template import Document, Template


def _compose(values: Values) -> list[Document]:
    name, fields = values["name"], values["details"]
    spec = {
        "title": title_of(name),
        "description": described(values, "Checks what is handed in and stores it."),
        "secrets": [*values["secrets"]],
        "input": {field: _given(spec) for field, spec in fields.items()},
        "models": {"record": {"fields": dict(fields)}},
        "output": {"model": "record", "from": "save"},
        "tools": [{"name": "database_writer", "models": ["record"]}],
        "pipeline": [{"id": "save", "tool": "database_writer", "with": _save(fields)}],
        "tests": _tests(fields),
    }
    return [type_document(name, spec), agent_document(name, name, secrets=values["secrets"])]


def _given(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A field of the input: what only concerns tables is not said of it."""
    return {key: value for key, value in spec.items() if key not in ("unique", "index", "renamed_from")}


def _save(fields: Mapping[str, Any]) -> dict[str, Any]:
    values = {
        name: f"{{{{ input.{name} }}}}" if _always_there(spec) else f"{{{{ input.{name} | default(none) }}}}"
        for name, spec in fields.items()
    }
    return {"model": "record", "mode": "insert", "values": values}


def _always_there(spec: Mapping[str, Any]) -> bool:
    return bool(spec.get("required")) or "default" in spec


def _tests(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    known = {name: sample_of(name, spec) for name, spec in fields.items()}
    tests: list[dict[str, Any]] = [
        {
            "name": "what is handed in is stored",
            "input": known,
            "expect": {"output": known, "rows": {"record": 1}, "called": ["save"]},
        }
    ]
    required = next((name for name, spec in fields.items() if spec.get("required")), None)
    if required is not None:
        tests.append(
            {
                "name": f"without {required} nothing is stored",
                "input": {name: value for name, value in known.items() if name != required},
                "expect": {"error": "invalid_input", "rows": {"record": 0}, "called": []},
            }
        )
    return tests


TEMPLATE = Template(
    name="blank",
    title="Blank",
    description="checks what is handed in and stores it, as a place to begin",
    cues=(
        *("blank", "empty", "from scratch", "store", "record*", "register", "log", "inventory", "list of"),
        *("leer*", "speicher*", "erfass*", "vide", "enregistr*", "track*", "collect*"),
    ),
    slots=(
        SlotSpec(
            name="details",
            label="fields",
            kind=SlotKind.FIELDS,
            question="Which fields has a row?",
            weight=10,
            needed=True,
            example="title (required), quantity as integer, bought on as date",
        ),
        name_slot("records"),
        PURPOSE,
        SECRETS,
    ),
    compose=_compose,
    example="Store visitors: name (required), company, visit date, badge number.",
)

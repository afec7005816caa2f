"""Document extraction: a text comes in, values are found in it, and become a row."""

from __future__ import annotations

from typing import Any

from reconciler.builder.slots import SlotKind, SlotSpec, Values
from reconciler.builder.templates import reading
from reconciler.builder.templates.asking import ENGINE, MODEL, PURPOSE, SECRETS, name_slot
from reconciler.builder.templates.documents import (
    agent_document,
    described,
    free_name,
    optional,
    title_of,
    type_document,
)
from reconciler.builder.templates.samples import is_code
from reconciler.builder.templates.template import Document, Template

_OWN_FIELDS = ("source", "text")
NO_KEY = "none"
_IDENTIFYING = {"required": True, "unique": True, "min_length": 1}


def _compose(values: Values) -> list[Document]:
    name, fields = values["name"], _fields(values)
    key = values.get("key", NO_KEY)
    key = free_name(key, _OWN_FIELDS) if key != NO_KEY else NO_KEY
    stored = {
        field: spec | (_IDENTIFYING | {"max_length": spec.get("max_length", 200)} if field == key else {})
        for field, spec in optional(fields).items()
    }
    spec = {
        "title": title_of(name),
        "description": described(values, "Finds values in documents and stores them."),
        "secrets": [*values["secrets"]],
        "input": {
            "text": {"type": "text", "required": True, "min_length": 1, "max_length": 500000},
            "source": {"type": "string", "max_length": 200, "default": "direct"},
        },
        "models": {
            "extraction": {
                "fields": {
                    "source": {"type": "string", "max_length": 200, "required": True, "default": "direct"},
                    **stored,
                }
            }
        },
        "output": {"model": "extraction", "from": "save"},
        "tools": _grants(values),
        "pipeline": _steps(values, fields, key),
        "tests": _tests(values, fields, key),
    }
    return [type_document(name, spec), agent_document(name, name, secrets=values["secrets"])]


def _fields(values: Values) -> dict[str, Any]:
    return {free_name(name, _OWN_FIELDS): spec for name, spec in values["details"].items()}


def _grants(values: Values) -> list[dict[str, Any]]:
    grants: list[dict[str, Any]] = [{"name": "text_extract"}]
    if reading.by_model(values):
        grants.append(reading.model_grant(values))
    return [*grants, {"name": "database_writer", "models": ["extraction"]}]


def _steps(values: Values, fields: dict[str, Any], key: str) -> list[dict[str, Any]]:
    text = "{{ input.text }}"
    stored = {
        name: reading.chosen(values, "read", name, spec, always=name == key) for name, spec in fields.items()
    }
    save: dict[str, Any] = {"model": "extraction", "mode": "insert"}
    if key != NO_KEY:
        save |= {"mode": "upsert", "key": [key]}
    steps = [
        {"id": "find", **reading.finder(fields, text)},
        {
            "id": "save",
            "tool": "database_writer",
            "with": save | {"values": {"source": "{{ input.source }}", **stored}},
        },
    ]
    if reading.by_model(values):
        prompt = "Find these values in the document. Leave out what it does not say."
        asked = reading.asked(values, prompt, text, reading.answer_fields(fields), None)
        return [{"id": "read", **asked}, *steps]
    return steps


def _tests(values: Values, fields: dict[str, Any], key: str) -> list[dict[str, Any]]:
    known = {**reading.samples(fields), "source": "test"}
    first = {"text": reading.stated(fields) or "Nothing to see.", "source": "test"}
    tests: list[dict[str, Any]] = [
        {
            "name": "what stands in a document is stored",
            "input": first,
            "mocks": reading.mocked_answer(values, "read", {}, fields),
            "expect": {
                "output": known | reading.told(values, fields),
                "rows": {"extraction": 1},
                "called": [*(["read"] if reading.by_model(values) else []), "find", "save"],
            },
        }
    ]
    if reading.by_model(values):
        tests.append(
            {
                "name": "without a model patterns decide",
                "input": first,
                "mocks": reading.mocked_failure(values, "read"),
                "expect": {"output": known, "rows": {"extraction": 1}},
            }
        )
    empty: dict[str, Any] = {
        "name": "a document that says nothing gives an empty row",
        "input": {"text": "Zzz."},
    }
    expected: dict[str, Any] = {"output": dict.fromkeys(fields), "rows": {"extraction": 1}}
    if key != NO_KEY:
        empty["name"] = f"a document without {key} is refused"
        expected = {"error": "bad_parameter", "rows": {"extraction": 0}}
    tests.append(empty | {"mocks": reading.mocked_failure(values, "read"), "expect": expected})
    return [reading.without_empty_mocks(test) for test in tests]


def _key_options(values: Values) -> tuple[str, ...]:
    fields = values.get("details") or {}
    able = [name for name, spec in fields.items() if spec["type"] == "string" and "format" not in spec]
    return (*sorted(able, key=lambda name: not is_code(name)), NO_KEY)


def _key_default(values: Values) -> str:
    first = _key_options(values)[0]
    return first if is_code(first) else NO_KEY


TEMPLATE = Template(
    name="document-extraction",
    title="Document extraction",
    description="finds values in documents, such as invoices or contracts, and stores them as rows",
    cues=(
        *(
            "extract*",
            "invoice*",
            "receipt*",
            "contract*",
            "document*",
            "pdf*",
            "form",
            "forms",
            "resume*",
            "cv",
        ),
        *("parse", "read out", "purchase order*", "delivery note*", "rechnung*", "vertrag", "verträge*"),
        *("dokument*", "auslesen", "beleg*", "extrahier*", "facture*", "contrat*", "extraire", "reçu*"),
    ),
    slots=(
        SlotSpec(
            name="details",
            label="fields",
            kind=SlotKind.FIELDS,
            question="Which values shall be found in a document?",
            weight=10,
            needed=True,
            example="invoice number, vendor, total as amount, issued on as date",
        ),
        SlotSpec(
            name="key",
            label="what tells documents apart",
            kind=SlotKind.CHOICE,
            question="Which value tells one document from another? The same one again then replaces its row.",
            weight=5,
            offered=True,
            default=_key_default,
            open_options=_key_options,
            asked_if=lambda values: bool(values.get("details")),
        ),
        name_slot("document-extraction"),
        PURPOSE,
        ENGINE,
        MODEL,
        SECRETS,
    ),
    compose=_compose,
    example="Read invoices: number, vendor, total and due date. The number tells them apart.",
    tool_slots={"llm_processor": "engine"},
)

"""Text processing: a text is sorted, cut into pieces and stored with what was found in it."""

from __future__ import annotations

from typing import Any

from reconciler.builder.slots import SlotKind, SlotSpec, Values
from reconciler.builder.templates import reading
from reconciler.builder.templates.asking import (
    ENGINE,
    MODEL,
    PURPOSE,
    SECRETS,
    categories_slot,
    details_slot,
    name_slot,
)
from reconciler.builder.templates.documents import (
    agent_document,
    described,
    free_name,
    optional,
    title_of,
    type_document,
)
from reconciler.builder.templates.template import Document, Template

_OWN_FIELDS = ("source", "category", "chunk_count", "text", "summary")
_DEFAULT = {
    "bug": ["crash", "error", "broken"],
    "billing": ["invoice", "refund", "payment"],
    "praise": ["thanks", "great", "love"],
}


def _compose(values: Values) -> list[Document]:
    name, details = values["name"], _details(values)
    stored = optional(details)
    model: dict[str, Any] = {
        "source": {"type": "string", "max_length": 200, "required": True, "default": "direct", "index": True},
        "category": reading.category_field(values) | {"index": True},
        "chunk_count": {"type": "integer", "min": 0, "required": True},
        "text": {"type": "text", "required": True},
        **stored,
    }
    if reading.by_model(values):
        model["summary"] = {"type": "text"}
    spec = {
        "title": title_of(name),
        "description": described(values, "Sorts texts, cuts them into pieces and stores both."),
        "settings": {
            "chunk_size": {"type": "integer", "min": 100, "max": 10000, "default": values["chunk_size"]}
        },
        "secrets": [*values["secrets"]],
        "input": {
            "text": {"type": "text", "required": True, "min_length": 1, "max_length": 200000},
            "source": {"type": "string", "max_length": 200, "default": "direct"},
        },
        "models": {"document": {"fields": model}},
        "output": {"model": "document", "from": "save"},
        "tools": _grants(values, details),
        "pipeline": _steps(values, details),
        "tests": _tests(values, details),
    }
    return [type_document(name, spec), agent_document(name, name, secrets=values["secrets"])]


def _details(values: Values) -> dict[str, Any]:
    return {free_name(name, _OWN_FIELDS): spec for name, spec in values["details"].items()}


def _grants(values: Values, details: dict[str, Any]) -> list[dict[str, Any]]:
    grants: list[dict[str, Any]] = [{"name": "text_splitter"}, {"name": "keyword_classifier"}]
    if details:
        grants.append({"name": "text_extract"})
    if reading.by_model(values):
        grants.append(reading.model_grant(values))
    return [*grants, {"name": "database_writer", "models": ["document"]}]


def _steps(values: Values, details: dict[str, Any]) -> list[dict[str, Any]]:
    text, sort = "{{ input.text }}", reading.sorter(values, "{{ input.text }}")
    stored: dict[str, Any] = {
        "source": "{{ input.source }}",
        "category": "{{ steps.sort.category }}",
        "chunk_count": "{{ steps.split.count }}",
        "text": text,
    }
    if reading.by_model(values):
        answer = {
            "category": {"type": "enum", "values": reading.category_field(values)["values"]},
            "summary": {"type": "text", "required": False},
            **reading.answer_fields(details),
        }
        prompt = "Sort this text into one category, sum it up in two sentences, and find what is asked for."
        sort = reading.asked(values, prompt, text, answer, sort)
        stored["summary"] = "{{ steps.sort.summary | default(none) }}"
    steps: list[dict[str, Any]] = [
        {
            "id": "split",
            "tool": "text_splitter",
            "with": {"text": text, "chunk_size": "{{ settings.chunk_size }}"},
        },
        {"id": "sort", **sort},
    ]
    if details:
        steps.append({"id": "find", **reading.finder(details, text)})
        stored |= {name: reading.chosen(values, "sort", name, spec) for name, spec in details.items()}
    save = {"model": "document", "mode": "insert", "values": stored}
    return [*steps, {"id": "save", "tool": "database_writer", "with": save}]


def _tests(values: Values, details: dict[str, Any]) -> list[dict[str, Any]]:
    first = next(iter(values["categories"]), reading.OTHER)
    text = reading.text_about(values, first, details)
    known = {
        "category": first,
        "source": "direct",
        **reading.samples(details),
        **reading.told(values, details),
    }
    called = ["split", "sort", *(["find"] if details else []), "save"]
    tests = [
        {
            "name": f"a text about {first} is sorted and stored",
            "input": {"text": text},
            "mocks": reading.mocked_answer(
                values, "sort", {"category": first, "summary": "A summary"}, details
            ),
            "expect": {"output": known, "rows": {"document": 1}, "called": called},
        },
        {
            "name": "anything else is other",
            "input": {"text": "Zzz."},
            "mocks": reading.mocked_failure(values, "sort"),
            "expect": {"output": {"category": reading.OTHER}, "rows": {"document": 1}},
        },
        {
            "name": "an empty text is refused",
            "input": {"text": ""},
            "expect": {"error": "invalid_input", "rows": {"document": 0}, "called": []},
        },
    ]
    return [reading.without_empty_mocks(test) for test in tests]


TEMPLATE = Template(
    name="text-processing",
    title="Text processing",
    description="sorts texts by what they are about, cuts them into pieces and stores them",
    cues=(
        *(
            "text*",
            "feedback",
            "review*",
            "comment*",
            "survey*",
            "classif*",
            "categor*",
            "label*",
            "moderat*",
        ),
        *("sentiment", "split", "chunk*", "triage", "ticket*", "kommentar*", "bewertung*", "klassifizier*"),
        *("rückmeldung*", "umfrage*", "avis", "commentaire*", "classer", "étiquet*"),
    ),
    slots=(
        name_slot("text-sorting"),
        PURPOSE,
        categories_slot(
            "Into which categories shall texts be sorted? Words that speak for one may follow it.",
            _DEFAULT,
            "bug: crash, error; billing: invoice; praise",
        ),
        details_slot(
            "What else shall be found in each text and stored?", "order number, amount as number, due date"
        ),
        ENGINE,
        MODEL,
        SlotSpec(
            name="chunk_size",
            label="size of pieces",
            kind=SlotKind.NUMBER,
            question="How many characters may a piece have?",
            default=lambda values: 1000,
        ),
        SECRETS,
    ),
    compose=_compose,
    example="Sort customer feedback into bug, praise and question, and find the order number in it.",
    tool_slots={"llm_processor": "engine"},
)

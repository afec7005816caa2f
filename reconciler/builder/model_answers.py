"""The form of a language model's answer: what it is asked for as JSON Schema, and what of it is sound."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.builder.questions import TEMPLATE
from reconciler.builder.slots import SlotKind, SlotSpec
from reconciler.builder.templates.installed import Templates
from reconciler.builder.templates.template import Template
from reconciler.builder.understanding.naming import agent_name, field_name
from reconciler.builder.views import Usage
from reconciler.errors import RunError
from reconciler.spec.fields import FieldSpec

LONGEST_REPLY = 600
_MOST_FIELDS = 40
_FIELD_TYPES = (
    "string", "text", "integer", "number", "decimal", "boolean", "date", "datetime", "enum", "json", "list",
)  # fmt: skip
_PROPOSABLE = frozenset({SlotKind.NAME, SlotKind.TEXT, SlotKind.CATEGORIES, SlotKind.FIELDS, SlotKind.NUMBER})


@dataclass(frozen=True, slots=True)
class Proposals:
    """What a model proposes: values by slot, the template if it named one, its sentence, and what all of it cost.
    `failure` is why nothing, or not all, came of it."""

    values: Mapping[str, Any] = field(default_factory=dict)
    template: str = ""
    reply: str = ""
    usage: Usage = field(default_factory=Usage)
    failure: RunError | None = None
    unrepaired: tuple[str, ...] = ()


# --- what is asked for ------------------------------------------------------------------------------------------------


def answer_schema(template: Template | None, templates: Templates) -> dict[str, Any]:
    """JSON Schema of an answer: every slot that may be proposed, each of them null where nothing was said."""
    properties: dict[str, Any] = {"reply": {"type": "string"}}
    if template is None:
        properties[TEMPLATE] = _nullable({"type": "string", "enum": [*templates.names()]})
    specs = [spec for spec in template.slots if _may_propose(spec)] if template else []
    properties |= {spec.name: _nullable(_slot_schema(spec)) for spec in specs}
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def _may_propose(spec: SlotSpec) -> bool:
    return spec.kind in _PROPOSABLE and not spec.privileged


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _slot_schema(spec: SlotSpec) -> dict[str, Any]:
    described = {"description": spec.question}
    match spec.kind:
        case SlotKind.NUMBER:
            return {"type": "integer"} | described
        case SlotKind.CATEGORIES:
            words = {"type": "array", "items": {"type": "string"}}
            return {
                "type": "array",
                "items": _object({"name": {"type": "string"}, "words": words}),
            } | described
        case SlotKind.FIELDS:
            one = {
                "name": {"type": "string"},
                "type": {"type": "string", "enum": [*_FIELD_TYPES]},
                "required": {"type": "boolean"},
                "values": _nullable({"type": "array", "items": {"type": "string"}}),
                "description": _nullable({"type": "string"}),
            }
            return {"type": "array", "items": _object(one)} | described
        case _:
            return {"type": "string"} | described


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


# --- reading an answer ----------------------------------------------------------------------------------------------


def read_answer(text: str, template: Template | None, templates: Templates) -> tuple[Proposals, list[str]]:
    """What is sound in an answer, and what is wrong with the rest."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return Proposals(), ["the answer is no JSON"]
    if not isinstance(answer, dict):
        return Proposals(), ["the answer is no JSON object"]
    values: dict[str, Any] = {}
    problems: list[str] = []
    for spec in template.slots if template else ():
        given = answer.get(spec.name)
        if given in (None, "", [], {}) or not _may_propose(spec):
            continue
        value, wrong = _value(spec, given)
        problems += [f"{spec.name}: {reason}" for reason in wrong]
        if value not in (None, "", {}, []):
            values[spec.name] = value
    known = {"reply", TEMPLATE, *(spec.name for spec in template.slots)} if template else {"reply", TEMPLATE}
    problems += [
        f"there is nothing called {name[:40]!r} to be filled in" for name in answer if name not in known
    ]
    named, reply = answer.get(TEMPLATE), answer.get("reply")
    chosen = named if isinstance(named, str) and templates.get(named) and template is None else ""
    return Proposals(values, chosen, reply[:LONGEST_REPLY] if isinstance(reply, str) else ""), problems


def _value(spec: SlotSpec, given: Any) -> tuple[Any, list[str]]:
    match spec.kind:
        case SlotKind.FIELDS:
            return _fields(given)
        case SlotKind.CATEGORIES:
            return _categories(given)
        case SlotKind.NUMBER:
            fits = isinstance(given, int) and not isinstance(given, bool) and 0 < given < 1_000_000
            return (given, []) if fits else (None, ["not a whole number"])
        case SlotKind.NAME:
            return (agent_name(given), []) if isinstance(given, str) else (None, ["not a text"])
        case _:
            return (given.strip()[:500], []) if isinstance(given, str) else (None, ["not a text"])


def _fields(given: Any) -> tuple[dict[str, Any], list[str]]:
    if not isinstance(given, list):
        return {}, ["not a list of fields"]
    fields: dict[str, Any] = {}
    problems: list[str] = []
    for item in given[:_MOST_FIELDS]:
        name = (
            field_name(item["name"]) if isinstance(item, dict) and isinstance(item.get("name"), str) else ""
        )
        if not name:
            problems.append("a field has a name")
            continue
        spec = {key: item[key] for key in ("type", "required", "values", "description") if item.get(key)}
        if (reason := _wrong_with(spec)) is not None:
            problems.append(f"{name}: {reason}")
            continue
        fields.setdefault(name, _completed(spec))
    return fields, problems


def _wrong_with(spec: dict[str, Any]) -> str | None:
    """Why no field can be like this, judged by what judges those of manifests."""
    from pydantic import ValidationError

    if spec.get("type") not in _FIELD_TYPES:
        return f"a type is one of {', '.join(_FIELD_TYPES)}"
    if spec.get("type") != "enum":
        spec.pop("values", None)
    try:
        FieldSpec.model_validate(_completed(spec))
    except ValidationError as error:
        return "; ".join(str(found["msg"]) for found in error.errors()[:3])
    return None


def _completed(spec: dict[str, Any]) -> dict[str, Any]:
    defaults: dict[str, dict[str, Any]] = {
        "string": {"max_length": 200},
        "decimal": {"precision": 14, "scale": 2},
        "list": {"items": "string"},
    }
    return {"type": spec["type"], **defaults.get(spec["type"], {}), **spec}


def _categories(given: Any) -> tuple[dict[str, list[str]], list[str]]:
    if not isinstance(given, list):
        return {}, ["not a list of categories"]
    from reconciler.builder.understanding.categories import MOST, with_words

    found: dict[str, list[str]] = {}
    problems: list[str] = []
    for item in given[:MOST]:
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            problems.append("a category has a name and words")
            continue
        words = item.get("words")
        sound = (
            [w.lower()[:60] for w in words if isinstance(w, str) and w.strip() and "{" not in w]
            if isinstance(words, list)
            else []
        )
        for name, default in with_words([item["name"]]).items():
            found.setdefault(name, sound[:20] or default)
    return found, problems

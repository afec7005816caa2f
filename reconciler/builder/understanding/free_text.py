"""Everything that a person's own words say about the slots of a template, whatever they were asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from reconciler.builder.slots import SlotKind, SlotSpec
from reconciler.builder.templates.template import Template
from reconciler.builder.understanding import addresses, wording
from reconciler.builder.understanding.answers import option_in
from reconciler.builder.understanding.categories import categories_said
from reconciler.builder.understanding.fields import FieldMap, fields_in
from reconciler.builder.understanding.naming import field_name, said_name, without_name
from reconciler.builder.understanding.timing import schedule_in

_VERBS = (
    r"extract|find|read(?: out)?|store|save|capture|record|collect|track|fields?|columns?|values?|keep|pull(?: out)?|"
    r"speicher\w*|erfass\w*|extrahier\w*|auslesen|felder|lies|lis|lire|extraire|extrais|stocker|enregistr\w*|champs?|relever"
)
_LISTED = re.compile(
    rf"\b(?:{_VERBS}|with|mit|avec)\b[^.:;\n]{{0,60}}:\s*(?P<list>[^.\n]+(?:\n\s*[-*•\d].*)*)", re.IGNORECASE
)
_BULLETS = re.compile(
    rf"\b(?:{_VERBS})\b[^\n]*:?\s*\n(?P<list>(?:\s*(?:[-*•]|\d+[.)]).+\n?)+)", re.IGNORECASE
)
_NAMED = re.compile(
    rf"\b(?:{_VERBS})\b\s+(?!to\b|from\b|mails?\b|it\b|them\b|these\b|support\b)(?P<list>(?:[^.:;\n]|:(?=\s*(?:one of|either)))+?)"
    r"(?=\s+(?:from|in|of each|out of|off|aus|von|des|dans|de chaque|for each|when|and (?:write|tell|alert|send|notify|call))\b|[.;\n]|$)",
    re.IGNORECASE,
)
_ALTERNATIVES = re.compile(r"\s*(?:one of|either)\b", re.IGNORECASE)
_SURE = re.compile(r"(?:extract|find|pull)\s+(?:out\s+)?the\b", re.IGNORECASE)
"""How a single field is asked for."""
_WITH = re.compile(
    r"\b(?:with|including|mit|avec)\s+(?:the\s+|fields?\s+)*(?P<list>[^.:;\n]+)", re.IGNORECASE
)
_MODEL = re.compile(
    r"\b((?:llama|mistral|qwen|gemma|phi|deepseek|mixtral|codellama|granite|gpt-oss)[\w.-]*(?::[\w.-]+)?)",
    re.IGNORECASE,
)
_NUMBERS = {
    "chunk_size": re.compile(
        r"\b(?:chunks?|pieces?)\D{0,30}?(\d{3,5})|\b(\d{3,5})[ -]characters?[ -](?:chunks?|pieces?)",
        re.IGNORECASE,
    ),
    "summary_length": re.compile(
        r"\bsummar\w*\D{0,30}?(\d{2,4})|\b(\d{2,4})[ -]characters?[ -]summar", re.IGNORECASE
    ),
}
_KEY = re.compile(
    r"\b(?:the\s+)?(?P<name>[\w ]{2,40}?)\s+(?:tells? (?:them|documents) apart|identif\w+|is (?:the )?(?:key|unique)|is unique)|"
    r"\b(?:identified|keyed|deduplicated?)\s+by\s+(?:the\s+|its\s+)?(?P<by>[\w ]{2,40}?)(?=[.,;\n]|$)",
    re.IGNORECASE,
)


class Said(NamedTuple):
    slot: str
    value: Any


def template_in(text: str, templates: Sequence[Template]) -> str:
    """The template that a wish is for: by its name, else by most cues, the earlier cue on a tie; empty where there is
    none."""
    lowered = text.lower()
    for template in templates:
        names = (template.name, template.name.replace("-", " "), template.title.lower())
        if lowered.strip(" .!\"'") in names:
            return template.name
    ranked = []
    for order, template in enumerate(templates):
        cues = (template.name, template.title.lower(), *template.cues)
        score = wording.count_cues(lowered, cues)
        if score:
            first = wording.first_cue(lowered, cues) or 0
            ranked.append((-score, first, order, template.name))
    return min(ranked)[3] if ranked else ""


def said_in(text: str, template: Template) -> Iterator[Said]:
    """Slot and value of all that is said of this template. Order: what others depend on comes first."""
    for spec in template.slots:
        value = _value(spec, text)
        if value not in (None, "", {}, []):
            yield Said(spec.name, value)


def _value(spec: SlotSpec, text: str) -> Any:
    match spec.name:
        case "alert_to":
            return addresses.alert_address(text)
        case "mailbox_user":
            return addresses.mailbox_address(text)
        case "smtp_host":
            return addresses.smtp_host(text)
        case "imap_host":
            return addresses.imap_host(text)
        case "key":
            return _key(text)
        case "alert_when":
            return _urgent(text)
        case "model":
            found = _MODEL.search(text)
            return found[1].lower() if found else None
        case "intake":
            return _intake(text)
        case "engine":
            return _engine(spec, text)
    match spec.kind:
        case SlotKind.NAME:
            return said_name(text)
        case SlotKind.CATEGORIES:
            return categories_said(text)
        case SlotKind.FIELDS:
            return fields_said(text)
        case SlotKind.HOSTS:
            return addresses.hosts_in(text)
        case SlotKind.SCHEDULE:
            return schedule_in(text)
        case SlotKind.NUMBER:
            return _number(spec.name, text)
        case SlotKind.CHOICE:
            return option_in(spec.options, text) if spec.options else None
        case _:
            return None


def fields_said(text: str) -> FieldMap:
    """The fields that a free text names: behind a verb and a colon, as a list, or at least two of them in a row."""
    text = without_name(text)
    for pattern in (_BULLETS, _LISTED):
        for match in pattern.finditer(text):
            found = {} if _ALTERNATIVES.match(match["list"]) else fields_in(match["list"])
            if found:
                return found
    for pattern in (_NAMED, _WITH):
        for match in pattern.finditer(text):
            if re.search(
                r"\b(?:a|the|no|without a?) (?:language )?model\b|categor|\binto\b|@|\bwords\b",
                match["list"],
                re.IGNORECASE,
            ):
                continue
            found = fields_in(match["list"])
            if len(found) >= 2 or (found and _SURE.match(match[0])):
                return found
    return {}


def _engine(spec: SlotSpec, text: str) -> str:
    """A model's name means a model, unless it is said that there shall be none."""
    without = re.search(
        r"\b(?:no|without(?: an?| any)?|not? (?:use|using) (?:an?|any)|ohne|sans)\s+(?:an?\s+|any\s+|the\s+)?(?:language )?(?:model|llm|ai|ki|sprachmodell|modell|modèle)\b",
        text,
        re.IGNORECASE,
    )
    if without:
        return "keywords"
    if _MODEL.search(text):
        return "model"
    return (
        option_in(spec.options, text)
        if re.search(
            r"model|llm|\bai\b|\bki\b|keyword|pattern|\brules\b|stichw|modèle|mots", text, re.IGNORECASE
        )
        else ""
    )


def _intake(text: str) -> str:
    """A mailbox is read where its server or its owner is named, or reading it; support mail alone may be handed in."""
    if addresses.imap_host(text) or addresses.mailbox_address(text):
        return "mailbox"
    reads = re.search(
        r"\b(?:read|check|fetch|poll|watch|liest?|lies|lire|relève\w*)\b.{0,40}\b(?:mailbox|inbox|postfach|posteingang|boîte)\b",
        text,
        re.IGNORECASE,
    )
    if reads or re.search(r"\bimap\b", text, re.IGNORECASE):
        return "mailbox"
    return (
        "handed in"
        if re.search(
            r"\b(?:handed in|hand(?:s)? (?:it|them|mail) in|by an? (?:api|application))\b",
            text,
            re.IGNORECASE,
        )
        else ""
    )


def _urgent(text: str) -> str:
    """The category in `when it is a bug`."""
    found = re.search(
        r"\b(?:when|if|wenn|quand|si|for|about)\b[^.,;]{0,40}?\b(?:is|are|about|ist|est|it's|urgent)\s+(?:an?\s+|urgent\s+|eine?\s+|une?\s+)?(?P<name>[\w-]+)",
        text,
        re.IGNORECASE,
    )
    return field_name(found["name"]) if found else ""


def _key(text: str) -> str:
    found = _KEY.search(text)
    return field_name((found["name"] or found["by"]).strip()) if found else ""


def _number(name: str, text: str) -> int | None:
    pattern = _NUMBERS.get(name)
    found = pattern.search(text) if pattern else None
    return int(found[1] or found[2]) if found else None

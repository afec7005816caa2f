"""Changes of what was said before, or of a type that exists: add, rename, remove, make something else of a field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from reconciler.builder.understanding.categories import categories_in
from reconciler.builder.understanding.fields import fields_in, type_in
from reconciler.builder.understanding.naming import field_name

Operation = Literal[
    "add_field", "rename_field", "remove_field", "change_field", "add_category", "remove_category"
]


@dataclass(frozen=True, slots=True)
class Edit:
    """`name` is the field or category meant. `value`: of `add_field` what a manifest says of it, of `change_field` the
    keys that change (None takes one away), of `rename_field` the new name, of `add_category` the words."""

    operation: Operation
    name: str
    value: Any = None


_SENTENCE = re.compile(
    r"(?<=[.!?])\s+|\n+|;\s*|,?\s+(?:and|then|und|et)\s+(?=(?:add|rename|remove|drop|delete|make|change|also)\b)",
    re.IGNORECASE,
)
_NOUN = r"(?:the\s+|a\s+|an\s+|another\s+|new\s+|optional\s+|required\s+|these\s+)*"
_FIELD = r"(?:fields?|columns?|values?|felder|feld|spalten?|champs?|colonnes?)"
_CATEGORY = r"(?:categor(?:y|ies)|labels?|kategorien?|catégories?)"
_QUOTES = "\"'`“”"
_RENAME = re.compile(
    rf"\b(?:rename|umbenennen|benenne|renomme[rz]?)\s+{_NOUN}(?:{_FIELD}\s+)?(?P<old>.+?)\s+(?:to|into|as|in|->|→|en)\s+(?P<new>[\w\s{_QUOTES}-]+)",
    re.IGNORECASE,
)
_CALLED = re.compile(
    rf"(?:^|\b){_NOUN}(?:{_FIELD}\s+)(?P<old>[\w\s{_QUOTES}-]+?)\s+(?:should|must|shall|is to)\s+be\s+(?:called|named)\s+(?P<new>[\w{_QUOTES}-]+)",
    re.IGNORECASE,
)
_ADD_CATEGORY = re.compile(
    rf"\b(?:add|include|füge|ajoute[rz]?)\s+{_NOUN}{_CATEGORY}\s*:?\s*(?P<rest>.+)", re.IGNORECASE
)
_REMOVE_CATEGORY = re.compile(
    rf"\b(?:remove|drop|delete|without|leave out|entferne|supprime[rz]?)\s+{_NOUN}{_CATEGORY}\s*:?\s*(?P<rest>.+)",
    re.IGNORECASE,
)
_ADD = re.compile(
    rf"\b(?:(?:also\s+|please\s+)*(?:add|append|include)|also\s+(?:store|keep|extract|find|record|save)|füge|ajoute[rz]?)\s+{_NOUN}(?:{_FIELD}\b\s*:?\s*)?(?:(?:called|named)\s+)?(?P<rest>.+)",
    re.IGNORECASE,
)
_REMOVE = re.compile(
    rf"\b(?:remove|drop|delete|leave out|get rid of|entferne|lösche|supprime[rz]?|enlève|take out)\s+{_NOUN}(?:{_FIELD}\s+)?(?P<rest>.+)",
    re.IGNORECASE,
)
_MAKE = re.compile(
    rf"\b(?:make|turn|change|set|mache?)\s+{_NOUN}(?:{_FIELD}\s+)?(?P<name>[\w\s{_QUOTES}-]+?)\s+(?:to\s+be\s+|into\s+|to\s+|be\s+|zu\s+)?(?:an?\s+)?(?P<what>[\w/ -]+?)$",
    re.IGNORECASE,
)
_SHOULD = re.compile(
    rf"^{_NOUN}(?:{_FIELD}\s+)?(?P<name>[\w\s{_QUOTES}-]+?)\s+(?:should|must|shall|has to|is)\s+(?:be\s+)?(?:an?\s+)?(?P<what>[\w/ -]+?)(?:,?\s+not\s+.*)?$",
    re.IGNORECASE,
)
_ATTRIBUTES: dict[str, dict[str, Any]] = {
    "required": {"required": True},
    "mandatory": {"required": True},
    "optional": {"required": None},
    "unique": {"unique": True},
    "indexed": {"index": True},
    "searchable": {"index": True},
    "sensitive": {"sensitive": True},
    "encrypted": {"encrypted": True},
}
_TYPE_KEYS = ("type", "max_length", "format", "precision", "scale", "values", "items", "min", "max")


def edits_in(text: str) -> list[Edit]:
    """The changes a text asks for, in order."""
    found: list[Edit] = []
    for sentence in _SENTENCE.split(text):
        found += _edits(sentence.strip().rstrip(".!?"))
    return found


def _edits(sentence: str) -> Iterator[Edit]:
    for pattern in (_RENAME, _CALLED):
        if match := pattern.search(sentence):
            old, new = _name(match["old"]), _name(match["new"])
            if old and new:
                yield Edit("rename_field", old, new)
            return
    if match := _ADD_CATEGORY.search(sentence):
        yield from (Edit("add_category", name, words) for name, words in categories_in(match["rest"]).items())
    elif match := _REMOVE_CATEGORY.search(sentence):
        yield from (Edit("remove_category", name) for name in categories_in(match["rest"]))
    elif match := _REMOVE.search(sentence):
        yield from (Edit("remove_field", name) for name in _names(match["rest"]))
    elif match := _ADD.search(sentence):
        yield from (Edit("add_field", name, spec) for name, spec in fields_in(_head(match["rest"])).items())
    elif match := _MAKE.search(sentence) or _SHOULD.match(sentence):
        change = _change(match["what"])
        name = _name(match["name"])
        if change and name:
            yield Edit("change_field", name, change)


def _change(what: str) -> dict[str, Any]:
    wanted = what.strip().lower()
    if wanted in _ATTRIBUTES:
        return _ATTRIBUTES[wanted]
    spec = type_in(wanted)
    return {**dict.fromkeys(_TYPE_KEYS), **spec} if spec else {}


def _names(text: str) -> list[str]:
    head = re.sub(r"\s+(?:field|column|category)s?$", "", _head(text), flags=re.IGNORECASE)
    parts = re.split(r"\s*(?:,|\band\b|\bund\b|\bet\b)\s*", head)
    return [name for part in parts if (name := _name(part)) and len(part.split()) <= 4]


def _name(text: str) -> str:
    bare = re.sub(r"\s+(?:field|column)$", "", text.strip().strip(_QUOTES).strip(), flags=re.IGNORECASE)
    return field_name(re.sub(rf"^{_NOUN}(?:{_FIELD}\s+)?", "", bare, flags=re.IGNORECASE).strip(_QUOTES))


def _head(text: str) -> str:
    """Without where it is added to or taken from."""
    return re.sub(
        r"\s+(?:to|from|in|of|for|zu|aus|à|de)\s+(?:the|it|that|this|each|every|my|our|der|dem|la|le)\b.*$|\s+(?:please|too|as well)$",
        "",
        text,
        flags=re.IGNORECASE,
    )

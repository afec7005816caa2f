"""Names of agents and fields, made of what people call things."""

from __future__ import annotations

import re
import unicodedata

from reconciler.spec.agent_type import SYSTEM_FIELDS
from reconciler.spec.base import NAME_LENGTH

_FOLDED = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "&": " and "}
)
_EMAIL = re.compile(r"\be-mail", re.IGNORECASE)
_ARTICLES = re.compile(
    r"^(?:the|a|an|its|their|his|her|your|our|my|each|every|some|any|der|die|das|den|dem|ein|eine|le|la|les|un|une|l')\s+",
    re.IGNORECASE,
)
_CALLED = re.compile(
    r"\b(?:call(?:ed)?(?: it| this| that)?|name[ds]?(?: it| is| should be| shall be)?|nenne? (?:es|ihn|sie|ihm)|"
    r"namens|hei(?:ß|ss)t|appel(?:le|ons|é|ée)(?:-le| le)?|nomm(?:e|é|ée)(?:-le)?)\s*[:=]?\s*"
    r"(?P<quote>[\"'`“»«]?)(?P<name>[A-Za-z][A-Za-z0-9 _-]{1,60}?)(?:[\"'`”«»]|(?=[.,;:!?\n]|\s+(?:and|und|et|that|which|please|instead|rather|now|with|to|from|for)\b)|\s*$)",
    re.IGNORECASE,
)
_RENAMED_SYSTEM_FIELD = {
    "id": "record_id",
    "agent": "agent_name",
    "created_at": "created_on",
    "deleted_at": "deleted_on",
}
_NOT_NAMES = frozenset(["it", "this", "that", "the", "a", "an", "agent", "agents", "something", "is"])


def agent_name(text: str) -> str:
    """`Support mail!` -> `support-mail`; empty where nothing is left."""
    return _joined(_without_articles(text), "-")


def field_name(text: str, *, longest: int | None = NAME_LENGTH) -> str:
    """`the Order No.` -> `order_no`; empty where nothing is left. Never one that every table has already."""
    name = _joined(_without_articles(_EMAIL.sub("email", text)), "_", longest)
    if name in SYSTEM_FIELDS:
        return _RENAMED_SYSTEM_FIELD.get(name, f"own_{name}")
    return name


def said_name(text: str) -> str:
    """The name of an agent in `call it support-mail`; empty where none is given."""
    for found in _CALLED.finditer(text):
        name = agent_name(found["name"])
        words = name.split("-")
        if name and not set(words) <= _NOT_NAMES and (found["quote"] or len(words) <= 4):
            return name
    return ""


def without_name(text: str) -> str:
    """The text without what gives an agent its name."""
    return _CALLED.sub(" ", text)


def _without_articles(text: str) -> str:
    text = text.strip()
    while (shorter := _ARTICLES.sub("", text)) != text:
        text = shorter
    return text


def _joined(text: str, between: str, longest: int | None = NAME_LENGTH) -> str:
    folded = unicodedata.normalize("NFKD", text.lower().translate(_FOLDED))
    ascii_only = folded.encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", re.sub(r"['’`]s?\b", "", ascii_only))
    while words and words[0][0].isdigit():
        words[0] = f"n{words[0]}"
    name = between.join(words)
    return name[:longest].rstrip(between)

"""Lists of fields: `invoice number, total as amount, paid (yes/no), state: one of open/closed`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from reconciler.builder.understanding.naming import field_name

FieldMap = dict[str, dict[str, Any]]

MOST_FIELDS = 40
_LONGEST_NAME = 5
"""Words."""

_MONEY = {"type": "decimal", "precision": 14, "scale": 2}
_SHORT = {"type": "string", "max_length": 200}
_TYPES: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        r"e-?mail(?: address)?|mail address|e-mail-adresse|courriel",
        _SHORT | {"format": "email", "max_length": 320},
    ),
    (r"url|link|web ?site|web address|uri|webseite|lien", _SHORT | {"format": "uri", "max_length": 2000}),
    (r"date ?time|time ?stamp|time|moment|zeitpunkt|uhrzeit|heure", {"type": "datetime"}),
    (r"date|day|datum|tag|jour", {"type": "date"}),
    (r"whole number|integer|int|count|ganzzahl|entier", {"type": "integer"}),
    (r"money|amount|price|currency|decimal|dollars?|euros?|usd|eur|betrag|preis|montant|prix", _MONEY),
    (r"number|numeric|float|zahl|nombre", {"type": "number"}),
    (r"bool(?:ean)?|yes ?/ ?no|yes or no|true ?/ ?false|flag|ja ?/ ?nein|oui ?/ ?non", {"type": "boolean"}),
    (r"long text|free text|text|paragraphs?|multiline|texte|freitext", {"type": "text"}),
    (r"list(?: of (?:texts?|strings?|words))?|tags|several|liste", {"type": "list", "items": "string"}),
    (r"uuid|guid", {"type": "uuid"}),
    (r"json|object|structure", {"type": "json"}),
    (r"short text|string|words?|zeichenkette|chaîne", _SHORT),
)
_BY_NAME: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        r"(?:^|_)(?:e_?mail|mail_address|email_address|courriel)$",
        _SHORT | {"format": "email", "max_length": 320},
    ),
    (r"(?:^|_)(?:url|link|website|homepage)$", _SHORT | {"format": "uri", "max_length": 2000}),
    (
        r"(?:^is_|^has_|^was_|(?:^|_)(?:paid|done|active|approved|urgent|enabled|signed)$)",
        {"type": "boolean"},
    ),
    (r"(?:_at$|(?:^|_)(?:timestamp|datetime)$)", {"type": "datetime"}),
    (
        r"(?:_on$|(?:^|_)(?:date|datum|day|deadline|birthday|due|faelligkeit|echeance)$|datum$|^date_)",
        {"type": "date"},
    ),
    (r"(?:^|_)(?:amount|total|price|cost|costs|sum|budget|salary|tax|vat|fee|net|gross|subtotal)$", _MONEY),
    (r"(?:^|_)(?:betrag|summe|preis|gesamtbetrag|montant|prix|revenue|income|value)$", _MONEY),
    (
        r"(?:^|_)(?:count|quantity|qty|age|year|pages|stars|rating|score|priority|urgency|size|anzahl|menge|jahr)$",
        {"type": "integer"},
    ),
    (r"(?:^|_)(?:tags|labels|keywords|topics)$", {"type": "list", "items": "string"}),
    (
        r"(?:^|_)(?:notes?|description|comments?|summary|text|body|content|details|message|abstract|beschreibung)$",
        {"type": "text"},
    ),
)
_LEAD = re.compile(
    r"^(?:(?:please|bitte|s'il vous plaît|we|i|you|it|they|need|needs|want|wants|would|like|to|should|shall|must|can|store|save|keep|"
    r"extract|find|read|get|record|capture|collect|track|also|add|with|having|have|has|include|including|plus|and|"
    r"then|just|only|such|as|these|those|following|fields?|values?|columns?|called|named|namely|are|is|be|new|"
    r"speichere?|erfasse?|extrahiere?|finde?|lies|felder|feld|mit|und|extraire|stocker|champs?|avec|et|for|each|of|"
    r"document|row|mail|text|page|there|what|which|out)\s+)+",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"\s+(?:from|in|of|out of|off|for)\s+(?:each|every|the|all|any|it|them|my|our|these|those|a|an|incoming|pdf)\b.*$|"
    r"\s+(?:aus|von|de|des|dans)\s+.*$|\s+(?:too|as well|please|bitte|aussi|and so on|etc)\.?$",
    re.IGNORECASE,
)
_ONE_OF = re.compile(
    r"^(?P<name>.+?)\s*(?:[:=]|\bis\b|\bas\b|\()?\s*\(?(?:one of|either|enum|choice(?: of)?|eins von|l'un de|parmi)\s*:?\s*\(?(?P<values>[^()]+)\)?$",
    re.IGNORECASE,
)
_SLASHED = re.compile(r"^(?P<name>[^/|()]+?)\s*(?:[:=]\s*|\()(?P<values>[^()/|,]+(?:[/|][^()/|,]+)+)\)?$")
_TYPED = re.compile(
    r"^(?P<name>.+?)\s*(?:\s+(?:as|als|comme)\s+(?:an?\s+|eine?\s+|une?\s+)?|:\s*|=\s*|\s+is\s+an?\s+|\()(?P<type>[^()]+?)\)?$",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    r"[\s,(]*\b(?:(?P<required>required|mandatory|must be given|pflicht|obligatoire)|(?P<optional>optional)|(?P<unique>unique|eindeutig))\b\)?",
    re.IGNORECASE,
)
_ITEM_END = re.compile(r"[,;\n•]|(?<!yes) (?:and|und|et|as well as|plus)\s+(?!so on)", re.IGNORECASE)


def fields_in(text: str) -> FieldMap:
    """The fields of a list, in order. Items that are no fields are passed over."""
    found: FieldMap = {}
    for item in _items(text):
        parsed = _field(item)
        if parsed is not None and parsed[0] not in found and len(found) < MOST_FIELDS:
            found[parsed[0]] = parsed[1]
    return found


def type_in(text: str) -> dict[str, Any] | None:
    """What `a date`, `whole number` or `yes/no` says of a field."""
    wanted = re.sub(r"^(?:an?|the|eine?|une?)\s+", "", text.strip().lower()).rstrip(".")
    for pattern, spec in _TYPES:
        if re.fullmatch(pattern, wanted):
            return dict(spec)
    return None


def type_by_name(name: str) -> dict[str, Any]:
    """What the name of a field makes probable."""
    for pattern, spec in _BY_NAME:
        if re.search(pattern, name):
            return dict(spec)
    return dict(_SHORT)


def fields_of_sample(document: str) -> FieldMap:
    """Fields that a pasted document shows by lines such as `Invoice number: A-17`."""
    found: FieldMap = {}
    for line in document.splitlines():
        label, colon, value = line.partition(":")
        name = field_name(label)
        if not colon or not value.strip() or not name or not 1 <= len(label.split()) <= 4 or len(label) > 40:
            continue
        found.setdefault(name, _of_value(name, value.strip()))
        if len(found) == MOST_FIELDS:
            break
    return found


def _of_value(name: str, value: str) -> dict[str, Any]:
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return {"type": "date"}
    if re.fullmatch(r"[^\d-]{0,4}-?[\d,]*\d\.\d{2}(?: ?[A-Z€$£]{1,3})?", value):
        return dict(_MONEY)
    if re.fullmatch(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", value):
        return _SHORT | {"format": "email", "max_length": 320}
    by_name = type_by_name(name)
    return by_name if by_name["type"] in ("string", "text") else dict(_SHORT)


def _items(text: str) -> Iterator[str]:
    """The parts of a list; commas within parentheses, and those of `one of a, b, c`, do not part them."""
    protected = re.sub(r"\([^()]*\)", lambda m: m[0].replace(",", "\x00").replace(" and ", "\x01"), text)
    protected = re.sub(
        r"(?i)\b(one of|either|choice of|eins von|parmi)\b[^;\n(]*",
        lambda m: m[0].replace(",", "\x00").replace(" and ", "\x01"),
        protected,
    )
    for item in _ITEM_END.split(protected):
        cleaned = item.replace("\x00", ",").replace("\x01", " and ").strip(" \t.-*•:\"'`“”!?")
        yield re.sub(r"^\d+[.)]\s*", "", cleaned)


def _field(item: str) -> tuple[str, dict[str, Any]] | None:
    item = _TAIL.sub("", _LEAD.sub("", f"{item} ").strip()).strip()
    if "@" in item or "://" in item:
        return None
    attributes: dict[str, Any] = {}
    for found in _ATTRIBUTE.finditer(item):
        if found["required"]:
            attributes["required"] = True
        if found["unique"]:
            attributes["unique"] = True
    item = _ATTRIBUTE.sub(lambda m: ")" if "(" not in m[0] and m[0].endswith(")") else "", item).strip(" ,(:")
    if item.count("(") != item.count(")"):
        item = item.replace("(", " : ").replace(")", "").strip(" :")
    named = _named(item)
    if named is None:
        return None
    name, spec = named
    return name, {**spec, **attributes}


def _named(item: str) -> tuple[str, dict[str, Any]] | None:
    for pattern in (_ONE_OF, _SLASHED):
        found = pattern.match(item)
        if found and (type_in(found["values"]) is None):
            values = _values(found["values"])
            name = field_name(found["name"].strip(" :("))
            if name and len(values) >= 2:
                return name, {"type": "enum", "values": values}
    found = _TYPED.match(item)
    if found and (spec := type_in(found["type"])) is not None:
        name = field_name(found["name"])
        return (name, spec) if name else None
    bare = re.sub(r"[:(].*$", "", item).strip()
    if not bare or len(bare.split()) > _LONGEST_NAME:
        return None
    if bare.lower().startswith("whether "):
        name = field_name(
            re.sub(r"^whether (?:(?:it|this|he|she|they) (?:is|are|was|has|have) )?", "", bare.lower())
        )
        return (name, {"type": "boolean"}) if name else None
    name = field_name(bare)
    return (name, type_by_name(name)) if name and len(name) > 1 else None


def _values(text: str) -> list[str]:
    parts = re.split(r"\s*(?:[,/|{}]|\bor\b|\band\b|\boder\b|\bou\b)\s*", text.strip())
    return [*dict.fromkeys(part.strip().lower().replace(" ", "_")[:63] for part in parts if part.strip())][
        :50
    ]

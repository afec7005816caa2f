"""Categories and the words that speak for them: `bug: crash, error; billing (invoice, refund); praise`."""

from __future__ import annotations

import re

from reconciler.builder.understanding.naming import field_name

CategoryMap = dict[str, list[str]]

MOST = 40
_WORDS: dict[str, tuple[str, ...]] = {
    "billing": ("invoice", "refund", "payment", "charge"),
    "invoice": ("invoice", "bill", "amount due"),
    "bug": ("crash", "error", "broken", "bug"),
    "error": ("error", "crash", "fails"),
    "sales": ("price", "quote", "offer", "buy"),
    "support": ("help", "support", "how do"),
    "question": ("question", "how", "what", "why"),
    "complaint": ("complain*", "unhappy", "disappointed", "terrible"),
    "praise": ("thanks", "great", "love", "excellent"),
    "feature_request": ("feature", "wish", "would be nice", "suggest*"),
    "spam": ("winner", "lottery", "viagra", "unsubscribe"),
    "job": ("application", "resume", "cv", "vacancy"),
    "shipping": ("delivery", "shipping", "parcel", "tracking"),
    "return": ("return", "exchange", "refund"),
    "cancellation": ("cancel*", "terminate"),
    "positive": ("good", "great", "love", "excellent", "happy"),
    "negative": ("bad", "terrible", "hate", "awful", "angry"),
    "neutral": ("okay", "average", "fine"),
    "urgent": ("urgent", "immediately", "asap", "outage"),
    "security": ("security", "breach", "phishing", "password"),
    "rechnung": ("rechnung", "zahlung", "betrag"),
    "beschwerde": ("beschwerde", "unzufrieden", "mangel"),
    "frage": ("frage", "wie", "warum"),
    "facture": ("facture", "paiement"),
    "plainte": ("plainte", "mécontent"),
}
_LEAD = re.compile(
    r"^(?:(?:please|use|just|only|the|categories|category|labels?|are|is|into|sort|classify|as|either|one|of|them|it|"
    r"and|or|also|add|kategorien?|sind|in|und|oder|catégories?|sont|et|ou|by|like|such|with)\b[\s:]*)+",
    re.IGNORECASE,
)
_NOT = frozenset(
    [
        *("other", "others", "all_others", "rest", "the_rest", "else", "anything", "everything"),
        *("anything_else", "everything_else", "all_else", "misc", "etc", "it", "them"),
        *("sonstiges", "andere", "alles_andere", "autre", "autres", "tout_le_reste"),
    ]
)
"""What `other` stands for, and words that are no category."""
_INTO = re.compile(
    r"\b(?:into|categories|category|labels?|classes|kategorien|catégories|classif\w+ (?:[\w-]+ ){0,3}as|sort(?:ed|s)? (?:it |them |texts? |mails? )?(?:into|by|as)|either)\b"
    r"(?:\s+(?:the\s+)?(?:categories|kategorien|catégories|groups|following))?\s*(?:are|:|=|sind|sont)?\s*:?\s*(?P<list>[^.\n]+)",
    re.IGNORECASE,
)
_GERMAN_FRENCH = re.compile(
    r"\b(?:sortier\w*|klassifizier\w*|einteil\w*|trier|classer|classe[rz]?)\b[^.\n:]*?\b(?:in|nach|en|par|selon)\s*:?\s*(?P<list>[^.\n]+)",
    re.IGNORECASE,
)
_END = re.compile(
    r",?\s+(?:and|und|et|then)\s+(?:store|save|find|write|send|tell|alert|notify|keep|extract|also|benachrichtig\w*|schreib\w*|informier\w*|préviens|prévenir|speichere?|it|i|we|call)\b.*$|"
    r",?\s+(?:please|bitte|for me|so that|with|using|without|when|if|depending|by (?:a|the|key)|mit|ohne|avec|sans|called|named|from|every|each|hourly|daily|nightly|jede\w*|chaque)\b.*$|"
    r"[;,]\s*(?:my|our|i|we|the (?:token|password|key)|mein\w*|mon)\b.*$",
    re.IGNORECASE,
)


def categories_in(answer: str) -> CategoryMap:
    """The categories of an answer to the question for them, each with at least one word; `other` is left out."""
    found: CategoryMap = {}
    for part in re.split(r"[;\n]", answer) if re.search(r"[;\n]|:|\(", answer) else [answer]:
        part = re.sub(r"^\s*(?:[-*•]|\d+[.)])\s*", "", part)
        grouped = [*_grouped(part)]
        for name, words in grouped or [(item, []) for item in _split(_LEAD.sub("", part.strip()))]:
            _add(found, name, words)
    return found


def categories_said(text: str) -> CategoryMap:
    """The categories that a free text names: at least two, behind a phrase such as `into`."""
    for pattern in (_INTO, _GERMAN_FRENCH):
        for match in pattern.finditer(text):
            if re.search(
                r"\b(?:store|save|database|row|file|table|spam folder)\b", match["list"][:30].lower()
            ):
                continue
            found = categories_in(_END.sub("", match["list"]))
            if len(found) >= 2:
                return found
    return {}


def with_words(names: list[str]) -> CategoryMap:
    found: CategoryMap = {}
    for name in names:
        _add(found, name, [])
    return found


def _grouped(part: str) -> list[tuple[str, list[str]]]:
    """`bug: crash, error` or `bug (crash, error), billing (invoice)`."""
    if "(" in part:
        return [
            (name, _split(words))
            for name, words in re.findall(r"([^(),;:]+)\(([^()]+)\)", part)
            if len(name.split()) <= 5
        ]
    name, colon, words = part.partition(":")
    if colon and words.strip() and len(name.split()) <= 3 and not _LEAD.fullmatch(f"{name.strip()} "):
        return [(name, _split(words))]
    return []


def _split(text: str) -> list[str]:
    parts = re.split(r"\s*(?:,|/|\||\band\b|\bor\b|\bund\b|\boder\b|\bet\b|\bou\b)\s*", text)
    return [part.strip(" .\"'`“”!?") for part in parts if part.strip(" .\"'`“”!?")]


def _add(found: CategoryMap, name: str, words: list[str]) -> None:
    key = field_name(_LEAD.sub("", f"{name.strip()} ").strip())
    if not key or key in _NOT or len(name.split()) > 4 or len(found) >= MOST:
        return
    given = [word.lower()[:60] for word in words if word.strip() and not set("{}") & set(word)]
    found.setdefault(key, [*dict.fromkeys(given)] or [*_words_for(key)])


def _words_for(key: str) -> tuple[str, ...]:
    singular = key.removesuffix("s")
    known = _WORDS.get(key) or _WORDS.get(singular)
    return known or (key.replace("_", " "),)

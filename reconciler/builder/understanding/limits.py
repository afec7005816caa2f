"""Wishes that nobody can grant here, and an honest word to each. What is not recognised as one simply has no effect."""

from __future__ import annotations

import re

_WISHES: tuple[tuple[str, str], ...] = (
    (
        r"\b(?:shell|bash|terminal) commands?|\b(?:run|execute)\s+(?:arbitrary |any |some |my )?(?:code|python|scripts?|commands?|sql)\b",
        "An agent runs no code and no commands of its own: only steps that call granted tools.",
    ),
    (
        r"\b(?:sms|whatsapp|slack|telegram|discord|microsoft teams|phone call|call me)\b",
        "There is no tool for chat services, text messages or calls. Mail is possible.",
    ),
    (
        r"\b(?:every|any|all) (?:hosts?|websites?|domains?|urls?)\b|\bwhole internet\b|\ball of the (?:web|internet)\b|\bany(?:where|body|one) on the internet\b|hosts?\W{1,6}\*",
        "Hosts have to be named one by one, or as all subdomains of a domain; not every host there is.",
    ),
    (
        r"\b(?:unlimited|no limits?|without (?:any )?limits?|infinite|disable (?:the |all )?(?:limits?|policy|policies|checks|sandbox))\b",
        "Limits are those of the template and of the policy; a conversation does not raise them or turn checks off.",
    ),
    (
        r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:instructions?|rules?|polic(?:y|ies)|system prompt|guardrails?|restrictions?)\b",
        "What is said here fills in the draft; rules and policies are not part of the conversation.",
    ),
    (
        r"\b(?:drop|truncate|delete|wipe|erase)\s+(?:the |all |every |whole |entire )*(?:tables?|database|rows|data|records)\b",
        "The builder only proposes manifests; it deletes no data.",
    ),
    (
        r"\b(?:train|fine-?tune)\b.{0,20}\b(?:model|llm|network)\b",
        "Models are asked, not trained.",
    ),
    (
        r"\b(?:read|access|query|connect to)\b.{0,30}\b(?:production database|other tables?|our database|mysql|oracle|mongodb|sap|salesforce)\b",
        "An agent reads and writes its own tables; other databases are out of its reach.",
    ),
    (
        r"\b(?:listen to|transcribe|recognize speech|ocr|scan(?:ned)? images?|photos?|videos?|audio)\b",
        "Only texts are read: images, audio and video have to be made into text before.",
    ),
    (
        r"\b(?:100 ?%|perfect(?:ly)?|never (?:be )?wrong|guarantee[ds]?)\b.{0,30}\b(?:accura\w*|correct\w*|right|results?)\b|\bguarantee",
        "Nothing that reads free text is always right; what is not recognised becomes `other` or stays empty.",
    ),
)
_CLOCK = re.compile(
    r"\b(?:every (?:\d+ )?(?:minutes?|hours?|day|night|morning|week)|hourly|daily|nightly|weekly)\b",
    re.IGNORECASE,
)


def refusals(text: str) -> list[str]:
    """A sentence for each wish in the text that cannot be granted."""
    return [answer for pattern, answer in _WISHES if re.search(pattern, text, re.IGNORECASE)]


def wants_clock(text: str) -> bool:
    return bool(_CLOCK.search(text))

"""Values that look like secrets: a manifest is read by everybody who reviews it, and its history keeps them for ever.

Three signs: the formats of well-known tokens and keys, anywhere, comments included; what looks random under a name such
as `token`; any literal under a name such as `password`. What is found is never quoted, and of a document with such a
value nothing else is said, as other findings might quote it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from reconciler.spec.fields import FieldType
from reconciler.spec.findings import Finding, Path
from reconciler.tools.re2_patterns import compiled

CODE = "secret-value"
HINT = (
    "take it out, and have it renewed by whoever issued it; declare its name in `secrets` of the type and let the agent"
    " bind it to a variable or a file"
)


class _Format(NamedTuple):
    """`marks`: one of them is in every text that the pattern is in, and rarely in another."""

    noun: str
    marks: tuple[str, ...]
    pattern: re.Pattern[str]


def _format(noun: str, marks: str, pattern: str) -> _Format:
    return _Format(noun, tuple(marks.split()), re.compile(pattern))


_FORMATS = (
    _format("a private key", "PRIVATE", r"-----BEGIN (?:[A-Z]{2,10} ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
    _format("an age key", "AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[0-9A-Z]{20,}"),
    _format("an AWS access key", "AKIA ASIA", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    _format("a GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"\bgh[pousr]_[A-Za-z0-9]{30,}"),
    _format("a GitHub token", "github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{22,}"),
    _format("a GitLab token", "glpat-", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    _format("a Slack token", "xox", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    _format(
        "a Slack webhook",
        "hooks.slack.com/services/",
        r"hooks\.slack\.com/services/T[A-Z0-9]+/B[A-Z0-9]+/\w{8,}",
    ),
    _format("a Stripe key", "_live_ _test_", r"\b[rsp]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    _format("an API key of a model provider", "sk-", r"\bsk-(?:[a-z]{3,8}-)?[A-Za-z0-9_-]{20,}"),
    _format("a Google API key", "AIza", r"\bAIza[0-9A-Za-z_-]{35}"),
    _format("a Google token", "ya29.", r"\bya29\.[0-9A-Za-z_-]{20,}"),
    _format("an npm token", "npm_", r"\bnpm_[A-Za-z0-9]{36}"),
    _format("a package index token", "pypi-", r"\bpypi-[A-Za-z0-9_-]{50,}"),
    _format("a Hugging Face token", "hf_", r"\bhf_[A-Za-z0-9]{30,}"),
    _format("a SendGrid key", "SG.", r"\bSG\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}"),
    _format("a DigitalOcean token", "dop_v1_", r"\bdop_v1_[0-9a-f]{40,}"),
    _format("a signed token", "eyJ", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    _format("a key of this API", "rk_", r"\brk_[0-9a-f]{12}_[A-Za-z0-9_-]{30,}"),
    _format(
        "an address with a password", "://", r"\b[a-z][a-z0-9+.-]{1,20}://[^/\s:@{}]{1,100}:[^/\s@{}]{3,100}@"
    ),
)
_WORDS = ("passw", "passphrase", "pwd", "secret", "token", "credential", "authorization", "bearer")
_KEYS = re.compile(r"(?:api|access|private|encryption|signing)[-_ ]?key")
_PASSWORD = re.compile(r"passw(?:or)?d|passphrase|pwd", re.IGNORECASE)
_PROSE = frozenset(
    {"description", "title", "message", "name", "type", "format", "pattern", "env", "file", "model"}
)
_HOLDS = frozenset({"default", "values"})
"""Keys whose values belong to the name above them."""
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")
"""The name of a secret, most likely, and no secret."""
_HARMLESS = re.compile(
    rb"[0-9]+[ ]*(?:[,}\]#]|$)|-?[ ]*[a-z]{1,20}(?:_[a-z0-9]{1,20})*[ ]*(?:[,}\]#]|$)|\[[a-z0-9_, ]{0,80}\]"
    rb"|\{(?:env|file): ?[A-Za-z0-9_./-]{1,70}\}"
)
"""A number, a name or a list of names, a reference."""
_FIELD_TYPES = frozenset(kind.value for kind in FieldType)
_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_RANDOM_LENGTH = 16
_RANDOM_ENTROPY = 3.0
"""Bits a character. English words have about 2.5 in so short a text, keys in base64 or hex 3.3 and more."""
_LONGEST = 4096
"""Characters of a value that are looked at for randomness; formats are looked for in all of it."""


def secret_values(value: Any, text: str) -> list[Finding]:
    """What looks like a secret in a document, as it is written in `text`."""
    escaped = "\\u" in text or "\\x" in text or "\\U" in text
    data = text.encode()
    formats = _FORMATS if escaped or _marked().search(data) else ()
    if not formats and not escaped and not _has_secret_name(data):
        return []
    found = [*_in_value(value, (), formats, "", in_tests=False)]
    if not found and (hidden := _of_format(text, formats)):
        line = text[: hidden[1]].count("\n") + 1
        message = f"{hidden[0]} stands in a comment or a key, in line {line} of the document"
        return [Finding(CODE, message, (), HINT)]
    return found


def secret_spans(text: str) -> list[tuple[int, int, str]]:
    """Where a free text has something of the format of a well-known token or key: start, end, what it seems to be."""
    found = [
        (match.start(), match.end(), one.noun)
        for one in _FORMATS
        if any(mark in text for mark in one.marks)
        for match in one.pattern.finditer(text)
    ]
    return sorted(found)


def looks_random(text: str) -> bool:
    """Whether a word looks like a key, and like nothing that anybody would say."""
    return _is_random(text)


def _has_secret_name(data: bytes) -> bool:
    """Whether anything but a number or a name stands behind a key that speaks of secrets. Few documents have such a
    key with such a value, and this is quick."""
    return any(not _HARMLESS.match(found.group(1)) for found in _named().finditer(data))


@cache
def _marked() -> Any:
    """Finds what every known format has."""
    marks = sorted({re.escape(mark) for one in _FORMATS for mark in one.marks})
    return compiled("|".join(marks).replace("\\-", "-"))


@cache
def _named() -> Any:
    """Finds keys that speak of secrets, with what stands behind them."""
    words = "|".join((*_WORDS, _KEYS.pattern))
    return compiled(rf"(?i)(?:{words})[\w-]*[\"\']?\s*:\s*([^\n]{{0,80}})")


def _in_value(
    value: Any, path: Path, formats: Sequence[_Format], name: str, *, in_tests: bool
) -> Iterator[Finding]:
    """`name` is the key that says what the value is."""
    if isinstance(value, str):
        noun = _noun(value, path, formats, name, in_tests)
        if noun:
            yield Finding(CODE, f"this looks like {noun}", path, HINT)
    elif isinstance(value, dict):
        for key, item in value.items():
            above = name if key in _HOLDS else str(key)
            inside = in_tests or path == ("spec", "tests")
            yield from _in_value(item, (*path, key), formats, above, in_tests=inside)
    elif isinstance(value, list):
        inside = in_tests or path == ("spec", "tests")
        for index, item in enumerate(value):
            yield from _in_value(item, (*path, index), formats, name, in_tests=inside)


def _noun(value: str, path: Path, formats: Sequence[_Format], name: str, in_tests: bool) -> str:
    """What a text seems to be; empty where it seems to be no secret."""
    known = _of_format(value, formats)
    if known:
        return known[0]
    if name in _PROSE or path[:2] == ("spec", "secrets") or not _is_secret_name(name):
        return ""
    literal = _EXPRESSION.sub("", value[:_LONGEST]).strip()
    if _is_random(literal.rpartition(" ")[2]):
        return f"a secret: `{name[:40]}` says so, and it looks random"
    if in_tests or path[-1] == 0 or not _PASSWORD.search(name) or not _is_literal(literal):
        return ""
    return f"a password: `{name[:40]}` says so"


def _speaks_of_secrets(text: str) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in _WORDS) or ("key" in lowered and _KEYS.search(lowered) is not None)


_is_secret_name = lru_cache(2048)(_speaks_of_secrets)


def _of_format(text: str, formats: Sequence[_Format]) -> tuple[str, int] | None:
    for one in formats:
        found = one.pattern.search(text)
        if found:
            return one.noun, found.start()
    return None


def _is_literal(text: str) -> bool:
    return len(text) >= 3 and text not in _FIELD_TYPES and not _NAME.fullmatch(text)


def _is_random(text: str) -> bool:
    """A long word of letters and digits in which nothing repeats as it does in names and addresses."""
    if len(text) < _RANDOM_LENGTH or _NAME.fullmatch(text) or "/" in text[:2] or "://" in text or "@" in text:
        return False
    if not (re.search(r"[0-9]", text) and re.search(r"[A-Za-z]", text)) or not text.isascii():
        return False
    counts = Counter(text)
    entropy = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
    return entropy >= _RANDOM_ENTROPY

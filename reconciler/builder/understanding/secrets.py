"""Secrets in what somebody says: noticed, taken out before anything is kept, replaced by the name of a variable."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconciler.manifests.checks.secret_values import looks_random, secret_spans

_NAMED = re.compile(
    r"(?P<what>\b(?:pass ?word|passwort|passphrase|pwd|kennwort|mot de passe|pin|api[ _-]?key|access[ _-]?key|secret(?: key)?|"
    r"(?:access |bearer |auth )?token|credentials?|bearer|schlüssel)\b)"
    r"(?P<link>\s*(?:is|ist|est|lautet|was|to|as|[:=])*\s*(?:is|:|=)?\s*)"
    r"(?P<quote>[\"'`“]?)(?P<value>[^\s\"'`“”,;]{4,})",
    re.IGNORECASE,
)
_PASSWORD = re.compile(r"pass|pwd|kennwort|pin", re.IGNORECASE)
_TOKENS = re.compile(r"[A-Za-z0-9+/=_-]{20,}")
_VARIABLE = re.compile(r"\$?\{?[A-Z][A-Z0-9_]{2,}\}?")
_WORDS = re.compile(r"[a-zäöüéèê-]+[.!?:)]?|\(.*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """`text` with each secret replaced by `$VARIABLE`; `nouns` are what was found, in words."""

    text: str
    nouns: tuple[str, ...] = ()


def without_secrets(text: str, variable: str) -> Cleaned:
    """`variable` is the environment variable that is to hold what was said."""
    spans = [*secret_spans(text), *_named(text), *_random(text)]
    cleaned, nouns, end = [], [], 0
    for start, stop, noun in sorted(spans):
        if start < end:
            continue
        cleaned += [text[end:start], f"${variable}"]
        nouns.append(noun)
        end = stop
    return Cleaned("".join([*cleaned, text[end:]]), tuple(dict.fromkeys(nouns)))


def _named(text: str) -> list[tuple[int, int, str]]:
    found = []
    for match in _NAMED.finditer(text):
        value = match["value"].rstrip(".!?)")
        linked = bool(match["link"].strip()) or bool(match["quote"])
        if _VARIABLE.fullmatch(value) or not _may_be_secret(
            value, bool(_PASSWORD.search(match["what"])), linked, bool(match["quote"])
        ):
            continue
        start = match.start("value")
        found.append((start, start + len(value), f"a {match['what'].lower()}"))
    return found


def _may_be_secret(value: str, password: bool, linked: bool, quoted: bool) -> bool:
    """Words of the language are none, unless they stand in quotes behind `password is`."""
    mixed = bool(re.search(r"\d", value) and re.search(r"[A-Za-z]", value)) or bool(
        re.search(r"[^\w.:/@-]", value)
    )
    if not _WORDS.fullmatch(value) or mixed:
        return linked or mixed
    return (quoted and linked) or (password and linked and bool(re.search(r"[a-z][A-Z]", value)))


def _random(text: str) -> list[tuple[int, int, str]]:
    return [
        (match.start(), match.end(), "something that looks like a key")
        for match in _TOKENS.finditer(text)
        if looks_random(match[0])
    ]

"""Cues: words and phrases by which a meaning is known."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

YES = frozenset(
    [
        "y",
        "yes",
        "yep",
        "yeah",
        "ok",
        "okay",
        "sure",
        "fine",
        "right",
        "correct",
        "confirm",
        "confirmed",
        "agreed",
        "good",
        "great",
        "perfect",
        "go",
        "do",
        "it",
        "done",
        "ship",
        "ja",
        "jawohl",
        "genau",
        "passt",
        "einverstanden",
        "oui",
        "d'accord",
        "parfait",
    ]
)
_YES_PHRASES = (
    "go ahead",
    "do it",
    "looks good",
    "looks right",
    "write it",
    "that is right",
    "that's right",
    "sounds good",
    "lgtm",
    "ship it",
    "yes please",
    "all good",
    "mach das",
    "sieht gut aus",
    "vas-y",
    "c'est bon",
)
NO = frozenset(["n", "no", "nope", "nah", "nein", "non"])
_NONE = frozenset(
    [
        "none",
        "nothing",
        "nobody",
        "nowhere",
        "never",
        "no-one",
        "noone",
        "-",
        "keine",
        "keiner",
        "nichts",
        "niemand",
        "aucun",
        "rien",
        "personne",
    ]
)
_NONE_PHRASES = (
    "no one",
    "not needed",
    "no need",
    "don't need",
    "do not need",
    "nothing else",
    "no thanks",
    "no, thanks",
    "not at all",
    "no alerts",
    "no hosts",
    "no fields",
    "that's all",
    "that is all",
    "kein bedarf",
    "pas besoin",
)
_DEFAULT = frozenset(
    ["default", "defaults", "skip", "next", "whatever", "any", "standard", "weiter", "egal", "suivant"]
)
_DEFAULT_PHRASES = (
    "you decide",
    "you choose",
    "don't know",
    "do not know",
    "no idea",
    "not sure",
    "up to you",
    "don't care",
    "keep it",
    "as you like",
    "the default",
    "as proposed",
    "weiß nicht",
    "keine ahnung",
    "je ne sais pas",
    "peu importe",
)
_QUIT = frozenset(["quit", "exit", "abort", "cancel", "abandon", "stop", "/quit"])
_QUIT_PHRASES = ("never mind", "forget it", "give up", "start over", "abbrechen", "laisse tomber")
_HELP = frozenset(["help", "?", "??", "???", "hilfe", "aide"])
_ASKS_BACK = re.compile(
    r"(?:what|which|why|how|where|who|can you|could you|was|wie|warum|welche\w*|quoi|comment|pourquoi)\b.*\?|"
    r".*\b(?:what do you mean|(?:don't|do not|didn't) (?:understand|get it)|explain|verstehe? (?:das |es )?nicht|"
    r"comprends? pas)\b.*",
    re.IGNORECASE | re.DOTALL,
)
_CHANGE_CUES = (
    *(
        "actually",
        "instead",
        "rather",
        "change",
        "changed my mind",
        "make it",
        "on second thought",
        "correction",
    ),
    *(
        "i meant",
        "i mean",
        "not anymore",
        "no longer",
        "switch to",
        "replace",
        "sorry",
        "wait",
        "doch lieber",
    ),
    *(
        "stattdessen",
        "ändere",
        "lieber",
        "plutôt",
        "finalement",
        "au lieu",
        "change en",
        "drop the",
        "rename",
    ),
)


@lru_cache(512)
def _pattern(cue: str) -> re.Pattern[str]:
    body = re.escape(cue.removesuffix("*")).replace(r"\ ", r"\s+")
    tail = r"\w*" if cue.endswith("*") else ""
    return re.compile(rf"(?<!\w){body}{tail}(?!\w)")


def has_cue(lowered: str, cues: Iterable[str]) -> bool:
    """Whether a text in lower case has one of the cues in it, as words of their own; `*` is any ending."""
    return any(cue.removesuffix("*") in lowered and _pattern(cue).search(lowered) for cue in cues)


def count_cues(lowered: str, cues: Iterable[str]) -> int:
    return sum(1 for cue in cues if cue.removesuffix("*") in lowered and _pattern(cue).search(lowered))


def first_cue(lowered: str, cues: Iterable[str]) -> int | None:
    """Where the first of the cues stands."""
    starts = [found.start() for cue in cues if (found := _pattern(cue).search(lowered))]
    return min(starts, default=None)


def is_yes(text: str) -> bool:
    return _is(text, YES, _YES_PHRASES)


def is_no(text: str) -> bool:
    return _is(text, NO, ())


def is_none(text: str) -> bool:
    """Whether it says: none of these. A bare no is one as well."""
    return is_no(text) or _is(text, _NONE, _NONE_PHRASES)


def is_default(text: str) -> bool:
    """Whether it leaves the choice to the one who asks."""
    return not text.strip() or _is(text, _DEFAULT, _DEFAULT_PHRASES)


def is_quit(text: str) -> bool:
    return _is(text, _QUIT, _QUIT_PHRASES)


def asks_back(text: str) -> bool:
    """Whether it is a question, or a plea for help, rather than an answer."""
    stripped = text.strip()
    return stripped.lower().strip(".! ") in _HELP or bool(_ASKS_BACK.fullmatch(stripped))


def changes_mind(text: str) -> bool:
    return has_cue(text.lower(), _CHANGE_CUES)


def _is(text: str, words: frozenset[str], phrases: tuple[str, ...]) -> bool:
    """Whether a short text says this and hardly anything else."""
    lowered = text.lower().strip().strip(".!,; ")
    if lowered in words or lowered in phrases:
        return True
    said = re.findall(r"[\w'/-]+", lowered)
    if not said or len(said) > 5:
        return False
    rest = [word for word in said if word not in words and word not in _FILLERS]
    return (not rest and said[0] in words | _FILLERS and any(word in words for word in said)) or (
        len(said) <= 5 and has_cue(lowered, phrases)
    )


_FILLERS = frozenset(
    [
        "please",
        "thanks",
        "thank",
        "you",
        "just",
        "the",
        "that",
        "this",
        "it",
        "is",
        "then",
        "a",
        "bitte",
        "danke",
        "merci",
        "so",
        "very",
        "all",
    ]
)

"""keyword_classifier: the label whose words a text holds most often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.errors import BadParameter
from reconciler.tools.declarations.text import KEYWORD_CLASSIFIER
from reconciler.tools.tool import Tool, ToolContext

_UNSPACED = 0x2E80
"""From here on are scripts that are written without blanks between words, so that a word has no edges."""


class KeywordClassifier(Tool):
    declaration = KEYWORD_CLASSIFIER
    honours_deadline = True

    def execute(self, context: ToolContext, params: Mapping[str, Any]) -> dict[str, Any]:
        sensitive = params["case_sensitive"]
        text = _normal(params["text"], sensitive)
        label, most, matches = params["default"], 0, []
        for candidate, words in params["rules"].items():
            hits = {}
            for word in _words(context, candidate, words):
                context.remaining()
                hits[word] = count_word(text, _normal(word, sensitive))
            total = sum(hits.values())
            if total > most:
                label, most, matches = candidate, total, [word for word, count in hits.items() if count]
        return {"label": label, "category": label, "matches": matches}


def count_word(text: str, word: str) -> int:
    """How often the word, or the words in this order, stand in the text as words. `crash*`: all that begin so."""
    open_end = word.endswith("*")
    word = word.rstrip("*")
    if not word:
        return 0
    count, position = 0, text.find(word)
    while position >= 0:
        end = position + len(word)
        if _is_edge(text, position - 1, word[0]) and (open_end or _is_edge(text, end, word[-1])):
            count += 1
        position = text.find(word, end)
    return count


def _is_edge(text: str, neighbour: int, outermost: str) -> bool:
    """Whether a word whose outermost character is this one can end before its neighbour."""
    if not 0 <= neighbour < len(text) or ord(outermost) >= _UNSPACED or not _in_word(outermost):
        return True
    return not _in_word(text[neighbour])


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _normal(text: str, sensitive: bool) -> str:
    spaced = " ".join(text.split())
    return spaced if sensitive else spaced.casefold()


def _words(context: ToolContext, label: str, words: Any) -> list[str]:
    """The words of a rule; rules may come from an expression, so that nobody has looked at them before."""
    if isinstance(words, list) and words and all(isinstance(word, str) and word.strip() for word in words):
        return words
    place = f"rules/{label}"
    raise BadParameter(f"/{place}: must be a list of words", where=f"{context.step}/with/{place}")

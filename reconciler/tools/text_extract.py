"""text_extract: parts of a text by regular expressions, in time proportional to its length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.errors import BadParameter, OutputTooLarge
from reconciler.spec.patterns import pattern_problem
from reconciler.tools.declarations.text import TEXT_EXTRACT
from reconciler.tools.re2_patterns import compiled
from reconciler.tools.tool import Tool, ToolContext

MOST_MATCHES = 10_000
"""Of one pattern. Each match may look at all of the text behind it, so that many are more than linear."""


class TextExtract(Tool):
    declaration = TEXT_EXTRACT
    honours_deadline = True

    def execute(self, context: ToolContext, params: Mapping[str, Any]) -> dict[str, Any]:
        text, every = params["text"], params["all"]
        found: dict[str, Any] = {}
        for name, pattern in params["patterns"].items():
            parts = _parts(_pattern(pattern, name, context), text, context)
            found[name] = [*parts] if every else next(parts, None)
        return found


def _pattern(pattern: Any, name: str, context: ToolContext) -> Any:
    """Patterns are looked at when the manifest is read; whoever calls the tool otherwise learns it here."""
    reason = "a pattern is a text" if not isinstance(pattern, str) else pattern_problem(pattern)
    try:
        if not reason:
            return compiled(pattern)
    except ValueError as error:
        reason = str(error)
    place = f"patterns/{name}"
    raise BadParameter(
        f"/{place}: not a linear regular expression: {reason}", where=f"{context.step}/with/{place}"
    )


def _parts(pattern: Any, text: str, context: ToolContext) -> Iterator[str]:
    """The first group of each match, or all of it where the pattern has none. A group that took no part gives none."""
    group = min(1, pattern.groups)
    for number, match in enumerate(pattern.finditer(text)):
        context.remaining()
        if number == MOST_MATCHES:
            raise OutputTooLarge(
                f"the pattern `{pattern.pattern}` matches more than {MOST_MATCHES:,} times",
                hint="make it match less often, or split the text first",
            )
        part = match.group(group)
        if part is not None:
            yield part

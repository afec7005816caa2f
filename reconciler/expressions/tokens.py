"""Reading a source text token by token."""

from __future__ import annotations

import re

from reconciler.errors import ExpressionError


class TokenStream:
    """One token of look-ahead over `source`.

    `kind` is the name of the pattern's group that matched ("end" after the last token), `text` what it
    matched and `offset` where in `source` that starts; `position` is where the next token is looked for.
    """

    __slots__ = ("_match", "kind", "offset", "position", "source", "text")

    def __init__(self, pattern: re.Pattern[str], source: str, position: int = 0) -> None:
        self._match = pattern.match
        self.source = source
        self.position = position
        self.kind = ""
        self.text = ""
        self.offset = position
        self.advance()

    def advance(self) -> None:
        match = self._match(self.source, self.position)
        if match is None or match.lastgroup is None:
            raise self._unreadable()
        kind = match.lastgroup
        self.kind = kind
        self.text = match[kind]
        self.position = match.end()
        self.offset = self.position - len(self.text)

    def accept(self, text: str) -> bool:
        """Steps over the token if it is `text`."""
        if self.text != text:
            return False
        self.advance()
        return True

    def expect(self, text: str, why: str) -> None:
        if not self.accept(text):
            raise ExpressionError(f"expected `{text}` {why}, not {self.shown}", offset=self.offset)

    @property
    def shown(self) -> str:
        """The token as an error names it."""
        return f"`{self.text}`" if self.text else "the end"

    def _unreadable(self) -> ExpressionError:
        offset = self.position
        while offset < len(self.source) and self.source[offset].isspace():
            offset += 1
        character = self.source[offset : offset + 1]
        if character in ("'", '"'):
            return ExpressionError(
                "this text is never closed", offset=offset, hint=f"end it with {character}"
            )
        return ExpressionError(f"unexpected character `{character}`", offset=offset)


def leading_zero(text: str) -> bool:
    """Whether a number is written like `012`, which some languages read as octal."""
    return len(text) > 1 and text[0] == "0" and text[1] in "0123456789_"

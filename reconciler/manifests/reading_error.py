"""Why one document is not read, and where. An error among the reading modules, which never let it out."""

from __future__ import annotations

from reconciler.errors import Problem


class ReadingError(Exception):
    """`line` and `column` count from 0, as the parser's marks do, within the text the raiser was given."""

    def __init__(self, code: str, message: str, line: int, column: int, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.line = line
        self.column = column
        self.hint = hint

    def problem(self, file: str, first_line: int) -> Problem:
        """As a Problem of a file in which the raiser's text begins at line `first_line` (from 0)."""
        place = (file, first_line + self.line + 1, self.column + 1)
        return Problem(self.code, self.message, *place, hint=self.hint)

"""Everything that can go wrong for a user, as one tree.

    ReconcilerError                 exit 1   HTTP 500
    ├── UsageError                  exit 64  HTTP 400   the command line or request makes no sense
    ├── SourceError                 exit 1   HTTP 503   the manifests cannot be read at all
    ├── ManifestsInvalid            exit 3   HTTP 422   some manifests are wrong; carries every Problem
    ├── StalePlan                   exit 4   HTTP 409   source or database moved since the plan was made
    ├── Locked                      exit 5   HTTP 409   another applier holds the lease
    ├── Refused                     exit 6   HTTP 422   a gate said no: hazard, policy, mass removal
    ├── PartlyApplied               exit 7   HTTP 207   some units failed, the others are in place
    ├── NotFound                    exit 1   HTTP 404   no such revision, archive, type or agent
    ├── ExpressionError             exit 3   HTTP 422   an expression does not parse or evaluate
    └── DatabaseError               exit 1   HTTP 503   the database is out of reach or refused a statement

Every error has a stable `code`, says where it is and what to do. What belongs here: exceptions and `Problem`.
What does not: knowledge of how an error is shown (the command line and the API each do that).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

__all__ = [
    "DatabaseError",
    "ExpressionError",
    "Locked",
    "ManifestsInvalid",
    "NotFound",
    "PartlyApplied",
    "Problem",
    "ReconcilerError",
    "Refused",
    "SourceError",
    "StalePlan",
    "UsageError",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one manifest, found without running anything.

    `file` is relative to the source; `line` and `column` count from 1 (0 when the whole file is meant);
    `pointer` is the RFC 6901 JSON pointer of the value inside its document; `severity` "warning" never
    blocks.
    """

    code: str
    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    pointer: str = ""
    hint: str = ""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.file else ""
        hint = f"\n    hint: {self.hint}" if self.hint else ""
        return f"{place}{self.severity}[{self.code}]: {self.message}{hint}"


class ReconcilerError(Exception):
    """Base of all errors a user can meet. `hint` says what to do next; `where` names the place."""

    code: ClassVar[str] = "error"
    exit_status: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint


class UsageError(ReconcilerError):
    code = "usage"
    exit_status = 64
    http_status = 400


class SourceError(ReconcilerError):
    code = "source-unreadable"
    http_status = 503


class ManifestsInvalid(ReconcilerError):
    """Carries every problem of every file, never only the first."""

    code = "manifests-invalid"
    exit_status = 3
    http_status = 422

    def __init__(self, problems: tuple[Problem, ...], *, hint: str = "") -> None:
        count = len(problems)
        super().__init__(f"{count} problem{'s' if count != 1 else ''} in the manifests", hint=hint)
        self.problems = problems


class StalePlan(ReconcilerError):
    code = "stale-plan"
    exit_status = 4
    http_status = 409


class Locked(ReconcilerError):
    code = "locked"
    exit_status = 5
    http_status = 409


class Refused(ReconcilerError):
    code = "refused"
    exit_status = 6
    http_status = 422


class PartlyApplied(ReconcilerError):
    code = "partly-applied"
    exit_status = 7
    http_status = 207


class NotFound(ReconcilerError):
    code = "not-found"
    http_status = 404


class ExpressionError(ReconcilerError):
    """`offset` is the 0-based position in the expression's text at which it went wrong."""

    code = "expression"
    exit_status = 3
    http_status = 422

    def __init__(self, message: str, *, offset: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.offset = offset


class DatabaseError(ReconcilerError):
    code = "database"
    http_status = 503

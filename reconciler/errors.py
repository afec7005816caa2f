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
    ├── DatabaseError               exit 1   HTTP 503   the database is out of reach or refused a statement
    └── RunError                    exit 8   HTTP 502   a task or one of its steps failed
        ├── TimedOut                         HTTP 504   a step or task took longer than it may
        ├── Unavailable                      HTTP 503   a service did not answer
        ├── Overloaded                       HTTP 503   a service answered that it has too much to do
        ├── RateLimited                      HTTP 429   a rate of the grant, the type or the service is used up
        ├── InvalidOutput                             a model or service answered something else than was asked for
        ├── Truncated                                 an answer ended before it was complete
        ├── ModelMissing                     HTTP 424   the language model is not there
        ├── Conflict                         HTTP 409   the rows it relies on have changed meanwhile
        ├── RowRefused                       HTTP 422   a row contradicts a constraint of its table
        ├── InvalidInput                     HTTP 422   the task's input or settings do not fit the type
        ├── BadParameter                     HTTP 422   a tool was called with a value that it does not take
        ├── Denied                           HTTP 403   beyond what is granted
        ├── BudgetExceeded                   HTTP 429   the calls, tokens or bytes of one task are used up
        ├── OutputTooLarge                   HTTP 502   the result has more bytes than the type allows
        ├── MemoryExceeded, CpuExceeded      HTTP 502   the task's process was ended at its limit
        ├── Crashed                          HTTP 502   the task's process died, or a tool broke
        └── Cancelled                        HTTP 409   somebody cancelled the task

Every error has a stable `code`, says where it is and what to do. What belongs here: exceptions and `Problem`.
What does not: knowledge of how an error is shown (the command line and the API each do that).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

__all__ = [
    "RUN_ERRORS",
    "BadParameter",
    "BudgetExceeded",
    "Cancelled",
    "Conflict",
    "CpuExceeded",
    "Crashed",
    "DatabaseError",
    "Denied",
    "ExpressionError",
    "InvalidInput",
    "InvalidOutput",
    "Locked",
    "ManifestsInvalid",
    "MemoryExceeded",
    "ModelMissing",
    "NotFound",
    "OutputTooLarge",
    "Overloaded",
    "PartlyApplied",
    "Problem",
    "RateLimited",
    "ReconcilerError",
    "Refused",
    "RowRefused",
    "RunError",
    "SourceError",
    "StalePlan",
    "TimedOut",
    "Truncated",
    "Unavailable",
    "UsageError",
    "run_error",
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
    """Carries every problem of every file, never only the first. `root` is the source below which the files lie."""

    code = "manifests-invalid"
    exit_status = 3
    http_status = 422

    def __init__(self, problems: tuple[Problem, ...], *, hint: str = "", root: str = "") -> None:
        count = len(problems)
        super().__init__(f"{count} problem{'s' if count != 1 else ''} in the manifests", hint=hint)
        self.problems, self.root = problems, root


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


class RunError(ReconcilerError):
    """A task or step failed. `where` is a step's id, with a JSON pointer behind it where one value is meant
    (`extract/with/model`). The code is what `retry.on` and a trace name; it survives `run_error(code, ...)`, the
    way from the process that ran the task to the one that records its end."""

    code = "failed"
    exit_status = 8
    http_status = 502
    retry_after = 0.0
    """Seconds for which whoever refused asks not to be asked again."""


class TimedOut(RunError):
    code = "timeout"
    http_status = 504


class Unavailable(RunError):
    code = "unavailable"
    http_status = 503


class Overloaded(RunError):
    code = "overloaded"
    http_status = 503


class RateLimited(RunError):
    code = "rate_limited"
    http_status = 429


class InvalidOutput(RunError):
    code = "invalid_output"


class Truncated(RunError):
    code = "truncated"


class ModelMissing(RunError):
    code = "model_missing"
    http_status = 424


class Conflict(RunError):
    code = "conflict"
    http_status = 409


class RowRefused(RunError):
    code = "row_refused"
    http_status = 422


class InvalidInput(RunError):
    code = "invalid_input"
    http_status = 422


class BadParameter(RunError):
    code = "bad_parameter"
    http_status = 422


class Denied(RunError):
    code = "denied"
    http_status = 403


class BudgetExceeded(RunError):
    code = "budget_exceeded"
    http_status = 429


class OutputTooLarge(RunError):
    code = "output_too_large"


class MemoryExceeded(RunError):
    code = "memory_exceeded"


class CpuExceeded(RunError):
    code = "cpu_exceeded"


class Crashed(RunError):
    code = "crashed"


class Cancelled(RunError):
    code = "cancelled"
    http_status = 409


RUN_ERRORS: dict[str, type[RunError]] = {
    kind.code: kind
    for kind in (
        RunError,
        TimedOut,
        Unavailable,
        Overloaded,
        RateLimited,
        InvalidOutput,
        Truncated,
        ModelMissing,
        Conflict,
        RowRefused,
        InvalidInput,
        BadParameter,
        Denied,
        BudgetExceeded,
        OutputTooLarge,
        MemoryExceeded,
        CpuExceeded,
        Crashed,
        Cancelled,
    )
}
"""Every code with which a task or step can fail."""


def run_error(code: str, message: str, *, where: str = "", hint: str = "") -> RunError:
    """The error of a code; a plain RunError for a code that is not known here."""
    return RUN_ERRORS.get(code, RunError)(message, where=where, hint=hint)

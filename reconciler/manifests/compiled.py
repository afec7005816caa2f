"""One document, compiled: everything the rest of the house needs to know of it without reading it again."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.errors import Problem
from reconciler.spec.state import State


@dataclass(frozen=True, slots=True)
class Compiled:
    """A pure function of the document's bytes, and therefore what the cache keeps.

    `canonical` is the spec as canonical JSON, `digest` its digest; `requires` are the addresses the document refers
    to (`type/x`, `agent/y`); `line` and `column` are where the document starts in `file`, `index` its number there.
    """

    address: str
    digest: str
    canonical: str
    file: str
    line: int
    column: int
    index: int
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a source says: the state it wants, and all that is wrong with it. Objects of broken manifests are held."""

    state: State
    problems: tuple[Problem, ...]
    files: int
    commit: str = ""

    @property
    def broken(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)

"""What is known of manifests once they have been read: one document, one file, a whole source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from reconciler.errors import Problem
from reconciler.spec.state import State


class Compiled(NamedTuple):
    """One document: a pure function of its bytes, and therefore what the cache keeps.

    `canonical` is the spec as canonical JSON, `digest` its digest; `requires` are the addresses the
    document refers to (`type/x`, `agent/y`); `line` and `column` are where the document starts in `file`,
    `number` is its own there, from 0.
    """

    address: str
    digest: str
    canonical: str
    file: str
    line: int
    column: int
    number: int
    requires: tuple[str, ...] = ()


class CompiledFile(NamedTuple):
    """One file. `content` is the digest of the bytes it was compiled from, empty if they could not be read.

    `held` are addresses of broken documents whose kind and name could be read. `remembered` are those the
    file had when it was last in order: while it is broken, nobody knows that it does not have them any
    more.
    """

    path: str
    content: bytes
    documents: tuple[Compiled, ...] = ()
    problems: tuple[Problem, ...] = ()
    held: tuple[str, ...] = ()
    remembered: tuple[str, ...] = ()

    @property
    def broken(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)

    @property
    def addresses(self) -> tuple[str, ...]:
        """All that the file is known to have, sound or not."""
        return (*(document.address for document in self.documents), *self.held, *self.remembered)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a source says: the state it wants, and all that is wrong with it.

    `opaque` names broken files of which not even the addresses are known, neither read nor remembered.
    While there is one, that an object is missing from the state does not mean that nobody wants it.
    """

    state: State
    problems: tuple[Problem, ...]
    files: int
    commit: str = ""
    opaque: tuple[str, ...] = ()

    @property
    def broken(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)

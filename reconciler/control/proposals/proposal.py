"""What is proposed: files as they are to be, beside what their author saw."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from reconciler.errors import ReconcilerError, UsageError
from reconciler.manifests.directory import SUFFIXES

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


class SourceMoved(ReconcilerError):
    """Somebody else changed a file since the author of a proposal read it. Nothing was written."""

    code = "source-moved"
    exit_status = 4
    http_status = 412


@dataclass(frozen=True, slots=True)
class Author:
    name: str
    email: str = ""


@dataclass(frozen=True, slots=True)
class FileChange:
    """`path` is relative to the source; `content` None deletes; `seen` is what the author saw there, None for nothing.

    Raises UsageError for a path that leads out of the source, into hidden folders or to what is no manifest.
    """

    path: str
    content: bytes | None
    seen: bytes | None

    def __post_init__(self) -> None:
        if not all(_PART.fullmatch(part) for part in self.path.split("/")) or not self.path.endswith(
            SUFFIXES
        ):
            raise UsageError(
                f"{self.path[:200]!r} cannot be the path of a manifest",
                hint="a relative path of letters, digits, `.`, `_` and `-` that ends in .yaml",
            )


@dataclass(frozen=True, slots=True)
class Proposal:
    """`title` is one line, `summary` any Markdown; both become the commit's message and the pull request's text."""

    title: str
    changes: tuple[FileChange, ...]
    author: Author
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Proposed:
    """Where a proposal went. `paths` are relative to the source. In a folder that is all; in a repository `branch` and
    `commit` say where, and `url` is the pull request, if there is one. `live`: the source itself has changed."""

    paths: tuple[str, ...]
    live: bool
    branch: str = ""
    commit: str = ""
    url: str = ""


class Writer(Protocol):
    """A source that can be written."""

    def read(self, path: str) -> bytes | None:
        """The file as it is now; None if there is none. Raises SourceError."""

    def paths(self) -> Iterator[str]:
        """All manifests there are now."""

    def propose(self, proposal: Proposal) -> Proposed:
        """All of the changes or none. Raises SourceMoved where a file is not as its author saw it, SourceError."""

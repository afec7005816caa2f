"""Proposals into a folder: each file is replaced in one step, by what stands on the disk already."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.control.proposals.proposal import FileChange, Proposal, Proposed, SourceMoved
from reconciler.errors import SourceError
from reconciler.manifests.directory import DirectorySource

_LOCK = ".reconciler.lock"


class FolderWriter:
    """Writes a DirectorySource's folder. Of several writers of this program one goes first; an editor that saves in the
    instant between the last look and the rename is not noticed, as no file system offers that."""

    def __init__(self, root: str) -> None:
        self._given = root
        self._root = Path(os.path.realpath(root))

    def read(self, path: str) -> bytes | None:
        try:
            return (self._root / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _failed(path, error) from error

    def paths(self) -> Iterator[str]:
        yield from DirectorySource(self._given).scan().files

    def propose(self, proposal: Proposal) -> Proposed:
        with self._alone():
            self._verify(proposal.changes)
            prepared = [(change, self._prepared(change)) for change in proposal.changes]
            try:
                for change, temporary in prepared:
                    self._put(change, temporary)
            finally:
                for _, temporary in prepared:
                    if temporary is not None:
                        temporary.unlink(missing_ok=True)
        return Proposed(tuple(change.path for change in proposal.changes), live=True)

    def _verify(self, changes: tuple[FileChange, ...]) -> None:
        for change in changes:
            target = self._root / change.path
            if self._root not in Path(os.path.realpath(target)).parents or target.is_symlink():
                raise SourceError(
                    f"{change.path} is or lies behind a symbolic link", hint="write the file itself"
                )
            if self.read(change.path) != change.seen:
                raise SourceMoved(
                    f"{change.path} has changed meanwhile",
                    hint="read it again and repeat the change on what is there now",
                )

    def _prepared(self, change: FileChange) -> Path | None:
        """The new content beside its target, safely on the disk; None for a deletion."""
        if change.content is None:
            return None
        folder = (self._root / change.path).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=folder)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o644)
                file.write(change.content)
                file.flush()
                os.fsync(descriptor)
        except OSError as error:
            raise _failed(change.path, error) from error
        return Path(name)

    def _put(self, change: FileChange, temporary: Path | None) -> None:
        target = self._root / change.path
        try:
            if temporary is None:
                target.unlink()
            elif change.seen is None:
                os.link(temporary, target)  # unlike a rename it never replaces a file
            else:
                temporary.replace(target)
            _sync(target.parent)
        except FileExistsError as error:
            raise SourceMoved(
                f"{change.path} has appeared meanwhile", hint="read the source again"
            ) from error
        except OSError as error:
            raise _failed(change.path, error) from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            descriptor = os.open(self._root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise _failed(self._given, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _sync(folder: Path) -> None:
    """The folder's entries onto the disk: a rename alone is not yet durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _failed(path: str, error: OSError) -> SourceError:
    reason = error.strerror or str(error)
    return SourceError(
        f"{path} cannot be written: {reason}", hint="check permissions and free space of the source"
    )

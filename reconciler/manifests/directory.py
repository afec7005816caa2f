"""A folder as a source of manifests."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import struct
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from reconciler.errors import Problem, SourceError
from reconciler.manifests.sources import READ_BYTES, Listing

SUFFIXES = (".yaml", ".yml")
MAX_FILES = 100_000
SETTLED_AFTER_NS = 2_000_000_000
"""A file changed this shortly before it is read may change again without its times moving."""


OPEN_FOR_NS = 60_000_000_000
"""A file untouched for so long is not looked at for writers: hardly anybody pauses longer within one manifest."""


class DirectorySource:
    """A folder of `*.yaml` and `*.yml` files, at any depth. Hidden files and folders are ignored.

    Symbolic links are followed where they stay inside the folder and lead to what is not listed anyway.
    """

    commit = ""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._given = os.fspath(root)
        self._root = os.path.realpath(self._given)

    @property
    def key(self) -> str:
        return self._root

    def describe(self) -> str:
        return self._given

    def scan(self) -> Listing:
        walk = _Walk(self._root, changed_after=time.time_ns() - SETTLED_AFTER_NS)
        try:
            walk.folder(self._root, "")
        except OSError as error:
            raise _unlisted(self._given, error) from error
        walk.follow_links()
        return Listing(
            dict(sorted(walk.files.items())), frozenset(walk.unsettled), dict(sorted(walk.refused.items()))
        )

    def read(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes | Problem]]:
        for path in paths:
            try:
                yield path, _content(f"{self._root}/{path}")
            except BeingWrittenError:
                hint = "it counts once whoever writes it has closed it; until then its objects are left alone"
                yield path, Problem("file-being-written", f"{path} is being written", file=path, hint=hint)
            except OSError as error:
                yield path, _unreadable(path, error)


class _Walk:
    """One walk through a folder. Links are set aside until all there is without them has been listed."""

    def __init__(self, root: str, *, changed_after: int) -> None:
        self.files: dict[str, bytes] = {}
        self.unsettled: set[str] = set()
        self.refused: dict[str, Problem] = {}
        self._root = root
        self._changed_after = changed_after
        self._links: list[tuple[str, str]] = []
        self._listed_folders: set[str] = set()
        self._listed_targets: set[str] = set()

    def folder(self, start: str, shown: str) -> None:
        """Lists `start`, an absolute path without links, as `shown`. OSError: `start` cannot be listed."""
        pending = self._entries(start, shown)
        while pending:
            path, shown = pending.pop()
            if path in self._listed_folders:
                continue
            try:
                pending += self._entries(path, shown)
            except OSError as error:
                if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
                    self.refused[shown.rstrip("/")] = _unreadable(shown.rstrip("/"), error)

    def _entries(self, folder: str, shown: str) -> list[tuple[str, str]]:
        """Lists the files of one folder; returns its subfolders."""
        subfolders = []
        with os.scandir(folder) as entries:
            self._listed_folders.add(folder)
            for entry in entries:
                name = entry.name
                if name[0] == ".":
                    continue
                path = shown + name
                if not name.isascii() and not _is_utf8(name):
                    self._refuse_name(entry, path)
                elif entry.is_file(follow_symlinks=False):
                    if name.endswith(SUFFIXES):
                        self._file(path, entry)
                elif entry.is_symlink():
                    self._links.append((path, entry.path))
                elif entry.is_dir(follow_symlinks=False):
                    subfolders.append((entry.path, path + "/"))
                elif name.endswith(SUFFIXES):
                    self.refused[path] = _irregular(path)
        return subfolders

    def _file(self, path: str, entry: os.DirEntry[str]) -> None:
        try:
            self._add(path, entry.stat(follow_symlinks=False))
        except FileNotFoundError:
            return  # deleted since the folder was listed
        except OSError as error:
            self.refused[path] = _unreadable(path, error)

    def _add(self, path: str, status: os.stat_result) -> None:
        self.files[path] = _STAMP(status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns)
        if status.st_mtime_ns >= self._changed_after or status.st_ctime_ns >= self._changed_after:
            self.unsettled.add(path)
        if len(self.files) > MAX_FILES:
            raise SourceError(
                f"{self._root} holds more than {MAX_FILES:,} manifests",
                hint="point the source at the folder of the manifests only",
            )

    def _refuse_name(self, entry: os.DirEntry[str], path: str) -> None:
        if entry.name.endswith(SUFFIXES) or entry.is_dir():
            shown = os.fsencode(path).decode("utf-8", "backslashreplace")
            self.refused[shown] = Problem(
                "file-name-encoding", f"the name {shown} is not UTF-8", file=shown, hint="rename it"
            )

    def follow_links(self) -> None:
        """Folders first, then files, each by name: what is listed does not depend on the disk's order."""
        to_files = []
        while self._links:
            links, self._links = sorted(self._links), []
            for path, link in links:
                try:
                    target = os.path.realpath(link, strict=True)
                    status = Path(target).stat()
                except OSError as error:
                    self.refused[path] = _unreadable(path, error)
                    continue
                if stat.S_ISDIR(status.st_mode):
                    self._follow_to_folder(path, target)
                elif path.endswith(SUFFIXES) and stat.S_ISREG(status.st_mode):
                    to_files.append((path, target, status))
                elif path.endswith(SUFFIXES):
                    self.refused[path] = _irregular(path)
        for path, target, status in sorted(to_files, key=lambda found: found[0]):
            if self._stays_inside(path, target) and not self._is_listed(target):
                self._listed_targets.add(target)
                self._add(path, status)

    def _follow_to_folder(self, path: str, target: str) -> None:
        if target not in self._listed_folders and self._stays_inside(path, target):
            try:
                self.folder(target, path + "/")
            except OSError as error:
                self.refused[path] = _unreadable(path, error)

    def _is_listed(self, target: str) -> bool:
        folder, name = os.path.split(target)
        listed_by_name = folder in self._listed_folders and name[0] != "." and name.endswith(SUFFIXES)
        return listed_by_name or target in self._listed_targets

    def _stays_inside(self, path: str, target: str) -> bool:
        if target == self._root or target.startswith(self._root.rstrip("/") + "/"):
            return True
        self.refused[path] = Problem(
            "symlink-leaves-source",
            f"{path} is a symbolic link to {_printable(target)}, outside the source",
            file=path,
            hint="copy the file into the source",
        )
        return False


_STAMP = struct.Struct("<QqQq").pack


def _content(path: str) -> bytes:
    # Not to wait for a writer, should a pipe have taken the file's place since it was listed.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("not a regular file")
        data = os.read(descriptor, min(status.st_size + 1, READ_BYTES))
        if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) < OPEN_FOR_NS and _is_being_written(
            descriptor, status
        ):
            raise BeingWrittenError
        return data
    finally:
        os.close(descriptor)


class BeingWrittenError(Exception):
    """What was read may be half of what is to come."""


def _is_being_written(descriptor: int, before: os.stat_result) -> bool:
    """Whether somebody has the file open for writing, or wrote while it was read.

    The kernel grants a lease for reading only while nobody has it open for writing. Where it grants none at all (a
    file of another user, some network file systems), only the file's size and times tell.
    """
    after = os.fstat(descriptor)
    if (after.st_size, after.st_mtime_ns, after.st_ino) != (
        before.st_size,
        before.st_mtime_ns,
        before.st_ino,
    ):
        return True
    try:
        # Should somebody open it for writing while the lease is there, the signal that tells so must not end us.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _printable(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _irregular(path: str) -> Problem:
    return Problem("file-unreadable", f"{path} is not a regular file", file=path)


def _unreadable(path: str, error: OSError) -> Problem:
    reason = error.strerror or str(error)
    return Problem("file-unreadable", f"{path} cannot be read: {reason}", file=path)


def _unlisted(root: str, error: OSError) -> SourceError:
    match error:
        case FileNotFoundError():
            return SourceError(
                f"there is no folder {_printable(root)}",
                hint="name the folder that holds the manifests, or create it",
            )
        case NotADirectoryError():
            return SourceError(
                f"{_printable(root)} is not a folder", hint="name the folder that holds the manifests"
            )
        case _:
            reason = error.strerror or str(error)
            return SourceError(
                f"the folder {_printable(root)} cannot be read: {reason}",
                hint="check its permissions and its disk",
            )

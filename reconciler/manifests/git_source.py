"""A git repository as a source of manifests: trees and blobs of one commit, without a checkout.

Of a remote, a bare mirror is kept in the cache folder, which holds only what was asked for. Blob ids are the stamps:
equal ids mean equal content, whatever the branch did in between.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reconciler.errors import Problem, SourceError
from reconciler.manifests.directory import MAX_FILES, SUFFIXES
from reconciler.manifests.git import Git, GitAddress, RefMissing
from reconciler.manifests.sources import READ_BYTES, Listing

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_MIRRORED = "refs/reconciler/source"
_LEFT_BEHIND = ("shallow.lock", "packed-refs.lock", "config.lock", "HEAD.lock", f"{_MIRRORED}.lock")
"""What a git that was killed leaves in a mirror, and what no other git gets past."""
_PATIENCE, _LOOK = 5.0, 0.02
"""Seconds that somebody who writes into the mirror is waited for, and between two looks."""


class GitSource:
    """The manifests of one commit: the one its branch or tag led to when `scan` was called last."""

    def __init__(self, address: str, cache: Path, *, token: str = "") -> None:
        """`cache` is the folder mirrors are kept in. Raises UsageError for an address that is none."""
        self.address = GitAddress(address)
        self._token = token
        self._mirror = cache / "git" / f"{hashlib.sha256(self.address.url.encode()).hexdigest()[:24]}.git"
        self._blobs: dict[str, str] = {}
        self.commit = ""

    @property
    def key(self) -> str:
        return self.address.text

    def describe(self) -> str:
        return self.address.text

    def scan(self) -> Listing:
        git = self.repository()
        commit = self._local_commit(git) if self.address.local else self._fetched(git)
        tree = _Tree(self.address.folder)
        listed = git.run("ls-tree", "-r", "-z", "--full-tree", commit, "--", *_within(self.address.folder))
        for entry in listed.split(b"\0"):
            if entry:
                tree.add(entry)
        if self.address.folder and not tree.entries:
            raise SourceError(
                f"there is no folder {self.address.folder} in {self.address.url} at {commit[:12]}",
                hint="name the folder that holds the manifests behind `#`",
            )
        self.commit, self._blobs = commit, tree.blobs
        stamps = {path: bytes.fromhex(blob) for path, blob in sorted(tree.blobs.items())}
        return Listing(stamps, refused=dict(sorted(tree.refused.items())))

    def read(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes | Problem]]:
        asked = list(paths)
        known = [path for path in asked if path in self._blobs]
        contents = self.repository().blobs([self._blobs[path] for path in known], at_most=READ_BYTES)
        found = dict(zip(known, contents, strict=True))
        for path in asked:
            data = found.get(path)
            if data is None:
                yield path, Problem("file-unreadable", f"{path} is not in the repository", file=path)
            elif data.startswith(_LFS_POINTER):
                message = f"{path} is a pointer to large file storage, not the file itself"
                yield (
                    path,
                    Problem("file-unreadable", message, file=path, hint="keep manifests in git itself"),
                )
            else:
                yield path, data

    def moved(self) -> bool:
        """Whether the branch leads elsewhere than at the last scan. One question to the remote. Raises SourceError."""
        git = self.repository()
        now = self._local_commit(git) if self.address.local else self._remote_commit(git)
        return now != self.commit

    def default_branch(self) -> str:
        """The branch that the repository's HEAD names. Raises SourceError where it names none."""
        git = self.repository()
        if self.address.local is not None:
            return git.text("symbolic-ref", "--short", "HEAD")
        listed = git.text("ls-remote", "--symref", "--", self.address.url, "HEAD")
        for line in listed.splitlines():
            if line.startswith("ref: refs/heads/"):
                return line.split()[1].removeprefix("refs/heads/")
        raise self._no_such_ref()

    # --- commits --------------------------------------------------------------------------------------------

    def repository(self) -> Git:
        """The repository to read from, the mirror made if there is none."""
        if self.address.local is not None:
            if not self.address.local.is_dir():
                raise SourceError(f"there is no folder {self.address.local}", hint="name a git repository")
            return Git(self.address.local, token=self._token)
        if not (self._mirror / "HEAD").exists():
            self._mirror.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._writing() as inherited:
                Git(self._mirror).run("init", "--quiet", "--bare", inherited=inherited)
        return Git(self._mirror, token=self._token)

    @contextmanager
    def _writing(self) -> Iterator[tuple[int, ...]]:
        """Alone in the mirror, for the git that inherits the descriptors given. It keeps others out for as long as it
        runs itself, even if whoever started it was killed: so a lock file found here was left behind, and is removed.

        Somebody who was stopped amid this keeps nobody out for good: after a while git's own locks have to do."""
        lock = self._mirror.with_suffix(".lock")
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise SourceError(f"{lock} cannot be written: {error.strerror}") from error
        try:
            if _locked(descriptor):
                for name in _LEFT_BEHIND:
                    (self._mirror / name).unlink(missing_ok=True)
            yield (descriptor,)
        finally:
            os.close(descriptor)

    def _local_commit(self, git: Git) -> str:
        commit = git.commit_of(self.address.ref)
        if commit is None:
            raise self._no_such_ref()
        return commit

    def _remote_commit(self, git: Git) -> str:
        if _is_commit(self.address.ref):
            return self.address.ref
        asked = (self.address.ref, f"refs/heads/{self.address.ref}", f"refs/tags/{self.address.ref}^{{}}")
        listed = git.text("ls-remote", "--quiet", "--", self.address.url, *asked)
        found = {name: commit for commit, _, name in (line.partition("\t") for line in listed.splitlines())}
        for name in (asked[0], asked[1], asked[2], f"refs/tags/{self.address.ref}"):
            if name in found:
                return found[name]
        raise self._no_such_ref()

    def _fetched(self, git: Git) -> str:
        """The commit, and all that belongs to it in the mirror. An unchanged remote costs one question."""
        commit = self._remote_commit(git)
        if git.commit_of(commit) is None:
            wanted = self.address.ref if not _is_commit(self.address.ref) else commit
            with self._writing() as inherited:
                git.run(
                    "fetch",
                    "--quiet",
                    "--depth=1",
                    "--no-tags",
                    "--no-write-fetch-head",
                    "--no-recurse-submodules",
                    "--force",
                    "--",
                    self.address.url,
                    f"{wanted}:{_MIRRORED}",
                    inherited=inherited,
                )
                # The branch may have moved between the question and the fetch: what was fetched is what counts.
                commit = git.text("rev-parse", "--verify", f"{_MIRRORED}^{{commit}}")
        return commit

    def _no_such_ref(self) -> RefMissing:
        return RefMissing(
            f"there is no branch, tag or commit {self.address.ref} in {self.address.url}",
            hint="name one behind `@`; what was applied before stays in place",
        )


def _locked(descriptor: int) -> bool:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(_LOOK)
    return False


class _Tree:
    """The manifests of one tree, by their paths below `folder`."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.entries = 0
        self.blobs: dict[str, str] = {}
        self.refused: dict[str, Problem] = {}

    def add(self, entry: bytes) -> None:
        """One line of `ls-tree`: `MODE TYPE ID<tab>PATH`."""
        head, _, raw = entry.partition(b"\t")
        mode, kind, blob = head.decode().split()
        self.entries += 1
        try:
            path = raw.decode()
        except UnicodeDecodeError:
            self._refuse_name(raw)
            return
        path = path[len(self.folder) + 1 :] if self.folder else path
        if any(part.startswith(".") for part in path.split("/")):
            return
        if kind == "commit":
            self.refused[path] = Problem(
                "submodule", f"{path} is a submodule, which is not followed", file=path, severity="warning"
            )
        elif not path.endswith(SUFFIXES):
            return
        elif mode == "120000":
            hint = "keep the file itself at this place"
            self.refused[path] = Problem("symlink", f"{path} is a symbolic link", file=path, hint=hint)
        else:
            self.blobs[path] = blob
            if len(self.blobs) > MAX_FILES:
                raise SourceError(f"the repository holds more than {MAX_FILES:,} manifests")

    def _refuse_name(self, raw: bytes) -> None:
        if raw.endswith(tuple(suffix.encode() for suffix in SUFFIXES)):
            shown = raw.decode("utf-8", "backslashreplace")
            self.refused[shown] = Problem(
                "file-name-encoding", f"the name {shown} is not UTF-8", file=shown, hint="rename it"
            )


def _within(folder: str) -> list[str]:
    return [f"{folder}/"] if folder else []


def _is_commit(ref: str) -> bool:
    return len(ref) in (40, 64) and all(letter in "0123456789abcdef" for letter in ref)

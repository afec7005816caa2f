"""git, run as a program: one repository, no hooks, no prompts, no shell.

Values that strangers choose (branches, paths, messages) never stand where git would take them for options.
"""

from __future__ import annotations

import base64
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from reconciler.errors import SourceError, UsageError

TIMEOUT = 120.0
"""Seconds one call of git may take, network included."""

TOKEN_VARIABLE = "RECONCILER_GIT_TOKEN"
"""Environment variable with the token for https remotes."""

_SAFE = {
    "core.hooksPath": os.devnull,
    "protocol.ext.allow": "never",
    "core.fsmonitor": "false",
    "gc.auto": "0",
    "advice.detachedHead": "false",
}
_REF = re.compile(r"(?![-/.])(?!.*(?:\.\.|//|@\{|\.lock(?:/|$)|/\.|\.$|/$))[^\x00-\x20\x7f~^:?*\[\\]{1,200}")


class GitError(SourceError):
    """git refused or failed. `status` is its exit status, -1 where it did not end by itself."""

    code = "git"

    def __init__(self, message: str, *, status: int = -1, where: str = "", hint: str = "") -> None:
        super().__init__(message, where=where, hint=hint)
        self.status = status


class RefMissing(GitError):
    """The repository answers, and has no such branch, tag or commit."""

    code = "ref-missing"


class Git:
    """One repository. `token` is sent to https remotes as a password, by way of the environment: arguments can be
    read by every user of the machine."""

    def __init__(self, directory: Path, *, token: str = "", timeout: float = TIMEOUT) -> None:
        self.directory = directory
        self._token = token
        self._timeout = timeout

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        inherited: Sequence[int] = (),
    ) -> bytes:
        """What one command printed. `inherited` are descriptors that stay open for as long as it runs, whatever becomes
        of this process. Raises GitError."""
        command = self._command(arguments)
        try:
            done = subprocess.run(
                command,
                input=stdin,
                capture_output=True,
                timeout=self._timeout,
                env=self._environment(env),
                pass_fds=tuple(inherited),
                check=False,
            )
        except FileNotFoundError as error:
            raise GitError("git is not installed", hint="install git 2.31 or newer") from error
        except subprocess.TimeoutExpired as error:
            raise GitError(f"git {arguments[0]} took more than {self._timeout:.0f} s") from error
        if done.returncode:
            raise self._failed(arguments[0], done.returncode, done.stderr)
        return done.stdout

    def text(self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> str:
        """As `run`, decoded and without the white space around it."""
        return self.run(*arguments, stdin=stdin, env=env).decode("utf-8", "replace").strip()

    def commit_of(self, ref: str) -> str | None:
        """The commit that a branch, tag or commit names; None where there is none."""
        try:
            return self.text("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        except GitError as error:
            if error.status == 1:
                return None
            raise

    def blobs(self, ids: Sequence[str], *, at_most: int) -> Iterator[bytes | None]:
        """The contents of blobs, each cut at `at_most` bytes; None for one that is not there. In order."""
        if not ids:
            return
        with subprocess.Popen(
            self._command(("cat-file", "--batch")),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment(None),
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for start in range(0, len(ids), _AT_ONCE):
                chunk = ids[start : start + _AT_ONCE]
                process.stdin.write("".join(f"{blob}\n" for blob in chunk).encode())
                process.stdin.flush()
                if start + _AT_ONCE >= len(ids):
                    process.stdin.close()
                for _ in chunk:
                    yield _blob(process.stdout, at_most)

    def _command(self, arguments: Sequence[str]) -> list[str]:
        options = [part for key, value in _SAFE.items() for part in ("-c", f"{key}={value}")]
        return ["git", *options, "-C", str(self.directory), *arguments]

    def _environment(self, further: Mapping[str, str] | None) -> dict[str, str]:
        # What would point git at another repository does not pass.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        kept |= {n: os.environ[n] for n in ("GIT_SSH_COMMAND", "GIT_SSL_CAINFO") if n in os.environ}
        kept |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
        if self._token:
            basic = base64.b64encode(f"x-access-token:{self._token}".encode()).decode()
            kept |= {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "http.extraHeader",
                "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
            }
        return kept | dict(further or {})

    def _failed(self, verb: str, status: int, stderr: bytes) -> GitError:
        lines = [line for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        told = next((line for line in lines if line.startswith(("fatal:", "error:", "!"))), "")
        said = (told or (lines[-1] if lines else f"exit status {status}")).strip()
        said = said.replace(self._token, "***") if self._token else said
        return GitError(f"git {verb}: {_without_passwords(said)}", status=status, where=str(self.directory))


_AT_ONCE = 500
"""Blobs asked for together: few enough that asking never waits for an answer to be read."""


def _blob(stream: IO[bytes], at_most: int) -> bytes | None:
    """One answer of `cat-file --batch`: `ID blob SIZE`, the content, a line end."""
    header = stream.readline().split()
    if not header:
        raise GitError("git cat-file ended too early")
    if len(header) != 3:
        return None
    size = int(header[2])
    data = stream.read(min(size, at_most))
    rest = size - len(data) + 1
    while rest > 0:
        skipped = len(stream.read(min(rest, 2**16)))
        if not skipped:
            raise GitError("git cat-file ended too early")
        rest -= skipped
    return data if header[1] == b"blob" else None


def _without_passwords(text: str) -> str:
    return re.sub(r"(://[^/@:\s]*):[^/@\s]*@", r"\1:***@", text)


def is_ref_name(name: str) -> bool:
    """Whether a text can be the name of a branch or tag, or a commit's id: nothing git would take for an option, a
    range or an expression."""
    return name != "@" and _REF.fullmatch(name) is not None


class GitAddress:
    """`git+https://host/repo.git@main#agents.d`: a repository, a branch, tag or commit (default: the remote's HEAD),
    and a folder inside (default: all). `git+file:///path` and `git+/path` are repositories of this machine."""

    def __init__(self, text: str) -> None:
        """Raises UsageError."""
        given = text.removeprefix("git+")
        repository, _, folder = given.partition("#")
        parts = urlsplit(repository)
        path, _, ref = parts.path.partition("@")
        if parts.scheme not in ("", "file", "http", "https", "ssh") or not path.strip("/"):
            raise _no_address(text, "it is not the address of a repository")
        if parts.password or (parts.username and parts.scheme in ("http", "https")):
            raise UsageError(
                "the address of a repository must not hold a user name or password",
                hint=f"put the token into {TOKEN_VARIABLE}",
            )
        if ref and not is_ref_name(unquote(ref)):
            raise _no_address(text, f"`{ref}` is not the name of a branch, tag or commit")
        folder = folder.strip("/")
        if any(part in ("", ".", "..") for part in folder.split("/")) and folder:
            raise _no_address(text, f"`{folder}` is not a folder of the repository")
        self.text = text
        self._repository = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
        self.ref = unquote(ref) or "HEAD"
        self.folder = folder
        self.local = Path(unquote(path)) if parts.scheme in ("", "file") else None
        """The repository's folder, if it is on this machine."""
        self.url = self._repository if parts.scheme else unquote(path)

    def at(self, ref: str) -> str:
        """The address of the same folder at another branch, tag or commit."""
        return f"git+{self._repository}@{quote(ref)}#{self.folder}"


def is_git_address(text: str) -> bool:
    return text.startswith("git+")


def _no_address(text: str, why: str) -> UsageError:
    hint = "write git+https://host/repository.git@branch#folder"
    return UsageError(f"{text[:200]!r}: {why}", hint=hint)

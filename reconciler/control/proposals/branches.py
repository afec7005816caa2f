"""Proposals into a git repository: objects and refs only, no work tree.

A commit is built on the followed branch's newest commit and offered by compare-and-swap: on a branch of its own, or on
the followed branch itself, again and again while others are faster.
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from reconciler.control.proposals.forge import Forge
from reconciler.control.proposals.proposal import FileChange, Proposal, Proposed, SourceMoved
from reconciler.errors import SourceError
from reconciler.manifests.git import Git, GitError
from reconciler.manifests.git_source import GitSource

ATTEMPTS = 5
COMMITTER = ("reconciler", "reconciler@localhost")
_ABSENT = "0" * 40


class BranchWriter:
    """Writes the repository of a GitSource. `direct` commits onto the followed branch; else each proposal has a branch
    `reconciler/...`, for which the forge, if there is one, opens a pull request."""

    def __init__(self, source: GitSource, *, direct: bool = False, forge: Forge | None = None) -> None:
        self._source = source
        self._direct = direct
        self._forge = forge
        self._files: frozenset[str] | None = None

    def read(self, path: str) -> bytes | None:
        if path not in self._listed():
            return None
        [(_, data)] = self._source.read([path])
        return data if isinstance(data, bytes) else None

    def paths(self) -> Iterator[str]:
        yield from sorted(self._listed())

    def propose(self, proposal: Proposal) -> Proposed:
        for attempt in range(1, ATTEMPTS + 1):
            self._listed(anew=True)
            base = self._source.commit
            for change in proposal.changes:
                self._verify(change)
            git = self._source.repository()
            commit = self._commit(git, base, proposal)
            branch = self._branch() if self._direct else _branch_name(proposal.title)
            try:
                self._offer(git, branch, commit, base if self._direct else _ABSENT)
            except GitError as error:
                if self._direct and attempt < ATTEMPTS and self._source.moved():
                    continue
                raise SourceError(
                    f"the branch {branch} was not taken: {error.message}",
                    hint="see whether the token may write there",
                ) from error
            return self._proposed(proposal, branch, commit)
        raise SourceMoved("the branch moved faster than this change could follow", hint="try again")

    def _listed(self, *, anew: bool = False) -> frozenset[str]:
        if self._files is None or anew:
            self._files = frozenset(self._source.scan().files)
        return self._files

    def _verify(self, change: FileChange) -> None:
        if self.read(change.path) != change.seen:
            raise SourceMoved(
                f"{change.path} has changed on {self._branch()}", hint="read it again and repeat the change"
            )

    def _branch(self) -> str:
        """The followed branch. Raises SourceError where a tag or a commit is followed."""
        ref = self._source.address.ref
        if ref != "HEAD":
            return ref
        return self._source.default_branch()

    def _commit(self, git: Git, base: str, proposal: Proposal) -> str:
        folder = self._source.address.folder
        with tempfile.TemporaryDirectory(prefix="reconciler-") as temporary:
            env = {"GIT_INDEX_FILE": str(Path(temporary) / "index")}
            git.run("read-tree", base, env=env)
            for change in proposal.changes:
                path = f"{folder}/{change.path}" if folder else change.path
                if change.content is None:
                    # Mode 0 takes it out; `--force-remove` would do so only where there is a work tree.
                    gone = f"0 {_ABSENT}\t{path}\n".encode()
                    git.run("update-index", "--index-info", stdin=gone, env=env)
                    continue
                blob = git.text("hash-object", "-w", "--stdin", "--no-filters", stdin=change.content)
                git.run("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", env=env)
            tree = git.text("write-tree", env=env)
        return git.text(
            "commit-tree",
            tree,
            "-p",
            base,
            "-F",
            "-",
            stdin=_message(proposal).encode(),
            env=_identity(proposal),
        )

    def _offer(self, git: Git, branch: str, commit: str, expected: str) -> None:
        if self._source.address.local is not None:
            if self._direct and git.text("rev-parse", "--is-bare-repository") == "false":
                raise SourceError(
                    f"{branch} may be checked out in {self._source.address.local}, where a commit would look like"
                    " changes of somebody's own",
                    hint="follow a bare repository or a remote, or propose branches",
                )
            git.run("update-ref", "-m", "reconciler: proposal", f"refs/heads/{branch}", commit, expected)
            return
        lease = f"--force-with-lease=refs/heads/{branch}:{'' if expected == _ABSENT else expected}"
        url = self._source.address.url
        git.run("push", "--quiet", "--porcelain", lease, "--", url, f"{commit}:refs/heads/{branch}")

    def _proposed(self, proposal: Proposal, branch: str, commit: str) -> Proposed:
        url = ""
        if self._forge is not None and not self._direct:
            url = self._forge.open(branch, self._branch(), proposal.title, proposal.summary)
        paths = tuple(change.path for change in proposal.changes)
        return Proposed(paths, live=self._direct, branch=branch, commit=commit, url=url)


def _branch_name(title: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "change"
    return f"reconciler/{slug}-{secrets.token_hex(4)}"


def _message(proposal: Proposal) -> str:
    title = " ".join(proposal.title.split())[:200]
    return f"{title}\n\n{proposal.summary}\n" if proposal.summary else f"{title}\n"


def _identity(proposal: Proposal) -> dict[str, str]:
    """Author: who asked for it. Committer: this program."""
    clean = {
        part: re.sub(r"[<>\x00-\x1f]", "", part) for part in (proposal.author.name, proposal.author.email)
    }
    return {
        "GIT_AUTHOR_NAME": clean[proposal.author.name] or "unknown",
        "GIT_AUTHOR_EMAIL": clean[proposal.author.email] or "unknown@localhost",
        "GIT_COMMITTER_NAME": COMMITTER[0],
        "GIT_COMMITTER_EMAIL": COMMITTER[1],
        "GIT_CONFIG_GLOBAL": os.devnull,
    }

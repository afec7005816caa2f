"""Policies that an operator pins from outside the source: whoever writes manifests can neither change nor remove them.

They hold beside the policies of the source, all at once, so that they only tighten. The file is read at once, as its
content is part of what a verdict on manifests depends on; it is parsed when somebody has to be judged. A program that
stays asks for what it says `now`: while the file is missing or not in order, nothing goes ahead there either.
"""

from __future__ import annotations

import hashlib
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import ManifestsInvalid, UsageError

if TYPE_CHECKING:
    from reconciler.spec.policy import Policy

VARIABLE = "RECONCILER_POLICY"
_LARGEST = 256 * 2**10
_SETTLED = 2.0
"""Seconds after which a file that is written again has another stamp for certain."""


class Pinned:
    """The policies of one file; without a path, none."""

    def __init__(self, path: str = "") -> None:
        """Raises UsageError for a file that cannot be read: without it nobody knows what is forbidden."""
        self.path = path
        self._stamp = _stamp(path) if path else None
        self._data = _read(path) if path else b""

    def __bool__(self) -> bool:
        return bool(self.path)

    @property
    def digest(self) -> str:
        """Of the content; empty where nothing is pinned."""
        return hashlib.sha256(self._data).hexdigest()[:16] if self.path else ""

    def now(self) -> Pinned:
        """These, or what the file says now where that is something else: mostly a look at its stamp tells.

        Raises UsageError.
        """
        if not self.path or (self._stamp is not None and _stamp(self.path) == self._stamp):
            return self
        found = Pinned(self.path)
        if found.digest != self.digest:
            return found
        self._stamp = found._stamp
        return self

    @cached_property
    def policies(self) -> tuple[Policy, ...]:
        """Raises ManifestsInvalid where the file is not in order, UsageError where it holds anything else."""
        if not self.path:
            return ()
        from reconciler.manifests.reader import read_file
        from reconciler.spec.policy import Policy

        sound, problems, _ = read_file(self._data, self.path)
        errors = tuple(problem for problem in problems if problem.severity == "error")
        if errors:
            raise ManifestsInvalid(errors, hint=f"correct the policy that {VARIABLE} names")
        specs = [spec for _, spec in sound]
        found = tuple(spec for spec in specs if isinstance(spec, Policy))
        if not found or len(found) < len(specs):
            raise UsageError(
                f"{self.path} holds more, or less, than policies", hint="only `kind: Policy` is pinned"
            )
        return found


def _stamp(path: str) -> tuple[int, int, int] | None:
    """None where it proves nothing: the file is not there, or was written just now."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    settled = time.time() - found.st_mtime > _SETTLED
    return (found.st_ino, found.st_size, found.st_mtime_ns) if settled else None


def _read(path: str) -> bytes:
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        hint = f"{VARIABLE} names it; while it is not there, nothing is planned, applied or run"
        raise UsageError(f"the policy {path} cannot be read: {error.strerror}", hint=hint) from error
    if len(data) > _LARGEST:
        raise UsageError(f"the policy {path} has more than {_LARGEST:,} bytes")
    return data

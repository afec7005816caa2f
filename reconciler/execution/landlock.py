"""Landlock: what a process may do with files from now on, enforced by the kernel (Linux 5.13 and newer).

`restrict` cannot be undone and holds for all that the process starts. What older kernels do not know is left out,
so that each gives the protection it can.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable

from reconciler.execution.kernel import prctl_no_new_privileges, syscall

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""The same numbers on every architecture that Python runs on."""
_ASK_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_FIRST = (1 << 13) - 1
"""All rights of the first version; `_LATER` are those that came with later ones."""
_LATER = {2: 1 << 13, 3: 1 << 14, 5: 1 << 15}  # refer, truncate, ioctl of devices
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _LATER[3] | _LATER[5]
"""The rights that make sense for a file; the others are about what is in a folder."""

_READING = _READ_FILE | _READ_DIR
_BIND_TCP = 1 << 0
_SCOPE_SOCKETS, _SCOPE_SIGNALS = 1 << 0, 1 << 1


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def version() -> int:
    """Which version of Landlock the kernel has; 0 where it has none."""
    try:
        return syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)
    except OSError:
        return 0


def restrict(*, read: Iterable[str], write: Iterable[str]) -> None:
    """Leave this process reading below `read`, reading and writing below `write`, and nothing elsewhere; no program to
    start anywhere, no listening on TCP ports, no signals to processes outside. Paths that do not exist are skipped.
    Libraries can still be loaded from where reading is allowed. Raises OSError."""
    known = version()
    handled = _FIRST | sum(right for since, right in _LATER.items() if since <= known)
    attributes = _Ruleset(
        handled,
        _BIND_TCP if known >= 4 else 0,
        _SCOPE_SOCKETS | _SCOPE_SIGNALS if known >= 6 else 0,
    )
    size = 8 if known < 4 else 16 if known < 6 else 24
    ruleset = syscall(_CREATE_RULESET, ctypes.byref(attributes), size, 0)
    try:
        for path in read:
            _allow(ruleset, path, _READING)
        for path in write:
            _allow(ruleset, path, handled & ~_EXECUTE)
        prctl_no_new_privileges()
        syscall(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):  # noqa: PTH112 - as cheap as can be: this runs in every child
            rights &= _OF_FILES
        rule = _PathBeneath(rights, opened)
        syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(opened)

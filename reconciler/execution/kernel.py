"""System calls that Python has no function for."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Any

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_CHILD_SUBREAPER = 1, 38, 36
_PR_GET_SECCOMP, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 21, 22, 2

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def syscall(number: int, *arguments: Any) -> int:
    """Raises OSError, also where there is no Linux below."""
    if _libc is None:
        raise OSError("only Linux has it")
    given = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result = int(_libc.syscall(ctypes.c_long(number), *given))
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def prctl_no_new_privileges() -> None:
    """From now on no program that is executed gains rights by its file's bits."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def prctl_die_with_parent(parent: int) -> None:
    """Be killed when the process that started this one ends; at once if it is another than `parent` already."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def prctl_adopt_orphans() -> None:
    """Processes whose parent ends become this one's, however often they detached."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if _libc is None:
        return
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def prctl_seccomp(program: Any) -> bool:
    """Install a filter of system calls. With None: whether the kernel takes any."""
    if _libc is None:
        return False
    if program is None:
        return bool(_libc.prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) != -1)
    if _libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return True

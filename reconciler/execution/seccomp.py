"""Seccomp: which system calls a process may make from now on (Linux on x86-64 and ARM64).

A task needs threads, files and sockets. It has no need of other processes, of looking into them, or of changing what
the system is: these calls fail with EPERM, as they do for somebody without the right. Of sockets it needs those of the
internet, TCP and what resolves names: others, such as the local ones of a container engine or of a database, it cannot
make. Where an internet socket is connected to a filter cannot see, as the address is in the task's own memory: that is
watched in Python (`tripwires`), and who calls the C library past Python is not stopped here. A host whose network
should be out of reach of tasks that run foreign native code needs a firewall or a network namespace around the worker.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from dataclasses import dataclass

from reconciler.execution.kernel import prctl_no_new_privileges, prctl_seccomp

_LOAD, _JUMP_EQUAL, _JUMP_ABOVE, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_AND = 0x54
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _SECOND_ARGUMENT = 0, 4, 16, 24
"""Offsets into what the kernel shows a filter; of an argument the lower half, on little-endian machines."""
_OTHER_ABI = 0x40000000
"""Numbers from here on are calls of x32, by which x86-64 has every call a second time."""
_CLONE_THREAD = 0x10000
_AF_INET, _AF_INET6, _SOCK_RAW = 2, 10, 3
_KIND_OF_SOCKET = 0xF
"""The bits that say stream, datagram or raw; further up are flags."""


def _refuse(code: int) -> int:
    return 0x00050000 | code


@dataclass(frozen=True, slots=True)
class _Machine:
    """Numbers of system calls. `to_self`: allowed if the first argument is the caller's own process id."""

    audit: int
    refused: tuple[int, ...]
    to_self: tuple[int, ...]
    clone: int
    socket: int
    clone3: int = 435


# fork vfork execve execveat, ptrace process_vm_readv process_vm_writev, unshare setns mount umount2 pivot_root,
# bpf keyctl add_key request_key userfaultfd perf_event_open, init_module finit_module kexec_load, io_uring_setup,
# tkill pidfd_send_signal pidfd_getfd
_REFUSED_X86 = (
    *(57, 58, 59, 322, 101, 310, 311, 272, 308, 165, 166, 155),
    *(321, 250, 248, 249, 323, 298, 175, 313, 246, 425, 200, 424, 438),
)
_REFUSED_ARM = (
    *(221, 281, 117, 270, 271, 97, 268, 40, 39, 41),
    *(280, 219, 217, 218, 282, 241, 105, 273, 104, 425, 130, 424, 438),
)
_MACHINES = {  # to oneself: kill tgkill
    "x86_64": _Machine(0xC000003E, _REFUSED_X86, to_self=(62, 234), clone=56, socket=41),
    "aarch64": _Machine(0xC00000B7, _REFUSED_ARM, to_self=(129, 131), clone=220, socket=198),
}


def available() -> bool:
    return platform.machine() in _MACHINES and prctl_seccomp(None)


def restrict() -> None:
    """Refuse this process, for good, what no task needs. Raises OSError."""
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        raise OSError(errno.ENOSYS, "no filter for this kind of machine")
    prctl_no_new_privileges()
    prctl_seccomp(_assembled(machine, os.getpid()))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def _assembled(machine: _Machine, pid: int) -> _Program:
    """Each test stands with its verdict right behind it, so that no jump is longer than one instruction or two."""
    refused = _refuse(errno.EPERM)
    code = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, machine.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_ABOVE, 0, 1, _OTHER_ABI),
        (_RETURN, 0, 0, refused),
        # The C library then falls back to clone, whose flags a filter can see.
        (_JUMP_EQUAL, 0, 1, machine.clone3),
        (_RETURN, 0, 0, _refuse(errno.ENOSYS)),
    ]
    for number in machine.refused:
        code += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, refused)]
    for number in machine.to_self:
        code += _if_argument(number, _JUMP_EQUAL, pid, refused)
    code += _if_argument(machine.clone, _JUMP_BITS, _CLONE_THREAD, refused)
    code += _of_the_internet(machine.socket, refused)
    code.append((_RETURN, 0, 0, _ALLOW))
    return _Program(len(code), b"".join(struct.pack("=HBBI", *instruction) for instruction in code))


def _if_argument(number: int, test: int, operand: int, refused: int) -> list[tuple[int, int, int, int]]:
    """Call `number` is allowed if its first argument passes the test."""
    return [
        (_JUMP_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (test, 0, 1, operand),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, refused),
    ]


def _of_the_internet(number: int, refused: int) -> list[tuple[int, int, int, int]]:
    """Call `number` makes sockets: of IPv4 and IPv6 only, and none that write packets of their own."""
    return [
        (_JUMP_EQUAL, 0, 8, number),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_JUMP_EQUAL, 1, 0, _AF_INET),
        (_JUMP_EQUAL, 0, 4, _AF_INET6),
        (_LOAD, 0, 0, _SECOND_ARGUMENT),
        (_AND, 0, 0, _KIND_OF_SOCKET),
        (_JUMP_EQUAL, 1, 0, _SOCK_RAW),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, refused),
    ]

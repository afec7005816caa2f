"""The zygote: a small process that has imported what agents need, and forks a child whenever it is asked to.

A worker starts it as a program of its own, before it opens a database: so neither it nor its children ever held a
connection, an agent's secret or the worker's environment, and a fork costs few milliseconds. It also is who knows for
certain when a child ends, and leaves nothing of a child's process group behind.

The control socket keeps messages whole; each is a JSON array:

    worker -> zygote   [SETUP]                   first: see `Setup`
                       ["fork", NUMBER, FOLDER]  with the child's end of its socket, where its output goes, its permits
                       ["signal", NUMBER, SIGNAL]  for the child's whole process group
    zygote -> worker   ["forked", NUMBER, PID]
                       ["ended", NUMBER, STATUS, CPU_SECONDS, MEMORY_BYTES]  of `os.waitpid`; most it ever had

At the end of the control socket all children are killed.
"""

from __future__ import annotations

import fcntl
import gc
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from reconciler.execution.kernel import prctl_adopt_orphans, prctl_die_with_parent

if TYPE_CHECKING:
    from reconciler.execution.program import Program
    from reconciler.settings import Settings

MAX_MESSAGE = 64 * 2**10
CONNECTION, PERMITS = 3, 4
"""A child's descriptors besides the standard ones."""
_KIBIBYTE = 1024


@dataclass(frozen=True, slots=True)
class Setup:
    """What children are told of the world. `program` is `module:function`: called once in the zygote, it gives what
    runs tasks. `private` are the networks opened to agents besides the public ones, `certificates` is a file of those
    to trust besides the system's."""

    program: str = "reconciler.execution.program:installed"
    ollama_url: str = "http://127.0.0.1:11434"
    private: tuple[str, ...] = ()
    certificates: str = ""
    ollama_api_key: str = field(default="", repr=False)
    """Told by the socket, so that it stands in the environment of no child."""

    @classmethod
    def of(cls, settings: Settings) -> Setup:
        return cls(
            ollama_url=settings.ollama_url,
            private=settings.egress_private,
            certificates=settings.egress_certificates,
            ollama_api_key=settings.ollama_api_key,
        )

    def encoded(self) -> bytes:
        return orjson.dumps([asdict(self)])

    @classmethod
    def decoded(cls, data: bytes) -> Setup:
        (found,) = orjson.loads(data)
        return cls(**{**found, "private": tuple(found["private"])})


def main() -> None:
    """`python -m reconciler.execution.zygote DESCRIPTOR`: serves the control socket until its other end closes."""
    control = socket.socket(fileno=int(sys.argv[1]))
    prctl_die_with_parent(os.getppid())
    prctl_adopt_orphans()
    # A terminal's Ctrl-C reaches every process in front of it; what that means is for the worker to say.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    data = control.recv(MAX_MESSAGE)
    if not data:
        return
    setup = Setup.decoded(data)
    module, _, function = setup.program.partition(":")
    program: Program = getattr(import_module(module), function)(setup)
    gc.collect()
    gc.freeze()  # so that no search for garbage ever touches, and thereby copies, what is shared
    _Nursery(control, program).serve()


class _Nursery:
    def __init__(self, control: socket.socket, program: Program) -> None:
        self._control, self._program = control, program
        self._pids: dict[int, int] = {}
        """Number of a child -> its process."""

    def serve(self) -> None:
        hears, tells = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(tells, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        waiting = select.poll()
        waiting.register(self._control, select.POLLIN)
        waiting.register(hears, select.POLLIN)
        while True:
            for descriptor, _ in waiting.poll():
                if descriptor == hears:
                    os.read(hears, 4096)
                    self._bury()
                elif not self._obey():
                    self._end()
                    return

    def _obey(self) -> bool:
        """Do what one message asks; False at the end of all messages."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, MAX_MESSAGE, 3)
        except ConnectionResetError:  # the worker went away without having read all that it was told
            return False
        if not data:
            return False
        match orjson.loads(data):
            case ["fork", int(number), str(folder)]:
                self._fork(number, Path(folder), descriptors)
            case ["signal", int(number), int(which)] if number in self._pids:
                with suppress(ProcessLookupError):
                    os.killpg(self._pids[number], which)
        return True

    def _fork(self, number: int, folder: Path, descriptors: list[int]) -> None:
        connection, output, permits = descriptors
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_child(parent, folder, connection, output, permits)
        with suppress(PermissionError, ProcessLookupError):
            os.setpgid(pid, pid)  # here as well as there, so that a signal sent right now finds the group
        for descriptor in descriptors:
            os.close(descriptor)
        self._pids[number] = pid
        self._say(["forked", number, pid])

    def _become_child(self, parent: int, folder: Path, connection: int, output: int, permits: int) -> None:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for which in (signal.SIGCHLD, signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
                signal.signal(which, signal.SIG_DFL)
            os.setpgid(0, 0)
            prctl_die_with_parent(parent)
            null = os.open(os.devnull, os.O_RDWR)
            for ours, theirs in ((null, 0), (output, 1), (output, 2)):
                os.dup2(ours, theirs)
            # First out of the way of each other, then to where tests and people look for them.
            kept = [fcntl.fcntl(one, fcntl.F_DUPFD, 10) for one in (connection, permits)]
            for ours, theirs in zip(kept, (CONNECTION, PERMITS), strict=True):
                os.dup2(ours, theirs)
            os.closerange(PERMITS + 1, os.sysconf("SC_OPEN_MAX"))
            os.chdir(folder)
            os.environ.update(HOME=str(folder), TMPDIR=str(folder))
            self._program.live(socket.socket(fileno=CONNECTION), folder, PERMITS)
            status = 0
        finally:
            with suppress(Exception):
                sys.stdout.flush()
            os._exit(status)

    def _bury(self) -> None:
        """Tell of every process that has ended. A child's group is killed while its number cannot be used again."""
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None:
                return
            number = next((n for n, pid in self._pids.items() if pid == found.si_pid), None)
            if number is not None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(found.si_pid, signal.SIGKILL)
            _, status, usage = os.wait4(found.si_pid, 0)
            if number is not None:
                del self._pids[number]
                cpu = usage.ru_utime + usage.ru_stime
                self._say(["ended", number, status, cpu, usage.ru_maxrss * _KIBIBYTE])

    def _say(self, message: list[Any]) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # the end of the socket is noticed by `serve`
            self._control.send(orjson.dumps(message))

    def _end(self) -> None:
        for pid in self._pids.values():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()

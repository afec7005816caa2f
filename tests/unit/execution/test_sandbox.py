"""What the kernel refuses a confined process, each tried in a process of its own."""

from __future__ import annotations

import errno
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.execution.sandbox import Protection, SandboxLevel, TaskLimits, confine, protection
from reconciler.execution.wire import Bounds

FOUND = protection()
needs_files = pytest.mark.skipif(not FOUND.landlock, reason="this kernel has no Landlock")
needs_calls = pytest.mark.skipif(not FOUND.seccomp, reason="this kernel or machine has no filter of calls")


@pytest.mark.parametrize(
    ("found", "level"),
    [
        (Protection(0, False), SandboxLevel.LIMITS),
        (Protection(0, True), SandboxLevel.CALLS),
        (Protection(4, True), SandboxLevel.FILES),
        (Protection(4, False), SandboxLevel.LIMITS),
    ],
)
def test_the_level_says_what_is_enforced(found: Protection, level: SandboxLevel) -> None:
    assert found.level is level


def confined(deed: Callable[[], object]) -> int:
    """The errno with which a deed fails in a confined process; 0 if it succeeds."""
    with tempfile.TemporaryDirectory() as folder:
        pid = os.fork()
        if pid == 0:
            os.chdir(folder)
            code = 255
            try:
                confine(Path(folder))
                code = tried(deed)
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def tried(deed: Callable[[], object]) -> int:
    try:
        deed()
    except OSError as error:
        return error.errno or 254
    return 0


@needs_files
@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/proc/1/environ",
        "/root",
        pytest.param(f"/proc/{os.getpid()}/environ", id="the parent's"),
    ],
)
def test_what_is_not_for_tasks_cannot_be_read(path: str) -> None:
    assert confined(lambda: os.open(path, os.O_RDONLY)) == errno.EACCES


@pytest.mark.parametrize("path", ["/etc/hosts", os.__file__, "/dev/urandom", "."])
def test_what_they_need_can_be_read(path: str) -> None:
    assert confined(lambda: os.open(path, os.O_RDONLY)) == 0


@needs_files
@pytest.mark.parametrize(
    "path", ["/tmp/reconciler-test", "/var/tmp/x", "../reconciler-test", f"{Path(os.__file__).parent}/x"]
)
def test_nothing_is_written_outside_the_folder(path: str) -> None:
    assert confined(lambda: os.open(path, os.O_WRONLY | os.O_CREAT)) == errno.EACCES


def test_the_folder_can_be_written_in() -> None:
    assert confined(lambda: Path("file").write_text("x")) == 0


@needs_files
def test_no_program_can_be_executed() -> None:
    assert confined(lambda: os.execv("/bin/true", ["true"])) in (errno.EACCES, errno.EPERM)


@needs_calls
@pytest.mark.parametrize(
    "deed",
    [
        pytest.param(os.fork, id="fork"),
        pytest.param(lambda: os.kill(os.getppid(), signal.SIGTERM), id="signals to others"),
        pytest.param(lambda: os.setns(0) if hasattr(os, "setns") else os.fork(), id="namespaces"),
    ],
)
def test_other_processes_are_out_of_reach(deed: Callable[[], object]) -> None:
    assert confined(deed) == errno.EPERM


@needs_calls
@pytest.mark.parametrize(
    ("family", "kind"),
    [
        (socket.AF_UNIX, socket.SOCK_STREAM),
        (socket.AF_UNIX, socket.SOCK_DGRAM),
        (socket.AF_NETLINK, socket.SOCK_RAW),
        (socket.AF_INET, socket.SOCK_RAW),
    ],
)
def test_sockets_that_are_not_of_the_internet_cannot_be_made(family: int, kind: int) -> None:
    assert confined(lambda: socket.socket(family, kind)) == errno.EPERM


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_those_of_the_internet_can(family: int, kind: int) -> None:
    assert confined(lambda: socket.socket(family, kind).close()) == 0


def test_names_are_resolved_as_before() -> None:
    assert confined(lambda: socket.getaddrinfo("localhost", 80)) == 0


def test_threads_and_signals_to_oneself_are_allowed() -> None:
    def deed() -> None:
        signal.signal(signal.SIGUSR1, lambda number, frame: None)
        os.kill(os.getpid(), signal.SIGUSR1)
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()

    assert confined(deed) == 0


@pytest.mark.skipif(FOUND.landlock < 4, reason="Landlock knows nothing of TCP before its version 4")
def test_nobody_listens_but_everybody_may_connect() -> None:
    def listen() -> None:
        socket.socket().bind(("127.0.0.1", 0))

    assert confined(listen) == errno.EACCES
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert confined(lambda: socket.create_connection(server.getsockname())) == 0


def test_files_have_a_largest_size() -> None:
    def deed() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with Path("file").open("wb") as file:
            file.truncate(2**30)

    assert confined(deed) == errno.EFBIG


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is limited on Linux only")
def test_memory_is_counted_from_what_an_idle_process_has() -> None:
    limits = TaskLimits()

    def deed() -> None:
        limits.begin(Bounds(memory=64 * 2**20))
        bytearray(32 * 2**20)
        try:
            bytearray(128 * 2**20)
        except MemoryError:
            raise OSError(errno.ENOMEM, "as it should be") from None

    assert confined(deed) == errno.ENOMEM


def test_each_task_has_its_own_processor_time() -> None:
    def deed() -> None:
        signal.signal(signal.SIGPROF, lambda number, frame: os._exit(42))
        limits = TaskLimits()
        for _ in range(3):
            limits.begin(Bounds(cpu=0.3))
            _compute(0.15)
            limits.end()
        limits.begin(Bounds(cpu=0.1))
        _compute(5)

    assert confined(deed) == 42


def _compute(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass

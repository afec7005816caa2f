"""A tool tries every way out of its sandbox: each ends in a typed error and an incident, and a table says what stopped
it. Only what this kernel can enforce is tried: see `reconcile doctor`."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal

import pytest

from reconciler.execution.incidents import IncidentKind
from reconciler.execution.pool import Done, Job, Pool
from reconciler.execution.sandbox import SandboxLevel, protection
from reconciler.execution.wire import Bounds
from reconciler.execution.zygote import Setup
from reconciler.spec.task import Blueprint, Task

ROOT = str(Path(__file__).parents[2])
FOUND = protection()
SMALL = 192 * 2**20
BYSTANDER = Path(f"/tmp/reconciler-bystander-{os.getpid()}")

Mechanism = Literal["tripwire", "landlock", "seccomp", "rlimit", "watch", "network"]
"""What stops it: an audit hook in the child, the kernel's Landlock or seccomp, a limit of resources, the parent that
looks at its children, or the network that tools are given, which checks every address.

Not among the ways is a connection to the internet made by the C library, past Python: see `execution.seccomp`."""
NEEDS: dict[str, bool] = {"landlock": bool(FOUND.landlock), "seccomp": FOUND.seccomp}


@dataclass(frozen=True)
class Way:
    deed: str
    aim: tuple[Any, ...] = ()
    by: Mechanism = "tripwire"
    code: str = "denied"
    kind: IncidentKind = IncidentKind.FILES

    @property
    def id(self) -> str:
        return " ".join([self.deed, *map(str, self.aim)])


NETWORK, PROCESS, DENIED = IncidentKind.NETWORK, IncidentKind.PROCESS, IncidentKind.DENIED
PARENT = "PARENT"
"""Stands for the process of the zygote, which is the parent of every child."""
DATABASE = "DATABASE"

WAYS = [
    # Files of others
    Way("read", ("/etc/passwd",)),
    Way("read", ("/etc/shadow",)),
    Way("read", ("../../../../etc/passwd",)),
    Way("read", ("/root/.ssh/id_rsa",)),
    Way("read", (f"/proc/{PARENT}/environ",)),
    Way("read", ("/proc/1/environ",)),
    Way("read", (f"/proc/{PARENT}/mem",)),
    Way("list", ("/",)),
    Way("list", ("/home",)),
    Way("read by hand", ("/etc/passwd",), "landlock", kind=DENIED),
    Way("read by hand", (f"/proc/{PARENT}/environ",), "landlock", kind=DENIED),
    Way("read by hand", (DATABASE,), "landlock", kind=DENIED),
    Way("read", (DATABASE,)),
    Way("read the database", (DATABASE,)),
    Way("write", ("/var/tmp/../lib/x",)),
    Way("write", ("ROOT/reconciler/x.py",)),
    Way("write by hand", ("/tmp/reconciler-left-behind",), "landlock", kind=DENIED),
    Way("delete", ("BYSTANDER",)),
    # The network
    Way("connect", ("127.0.0.1", 9), kind=NETWORK),
    Way("connect", ("169.254.169.254", 80), kind=NETWORK),
    Way("connect", ("::1", 9), kind=NETWORK),
    Way("connect", ("198.51.100.7", 443), kind=NETWORK),
    Way("send", ("127.0.0.1", 53), kind=NETWORK),
    Way("unix socket", ("/run/docker.sock",), "seccomp", kind=DENIED),
    Way("listen", kind=NETWORK),
    *(
        Way("socket by hand", (int(family), int(kind)), "seccomp", kind=DENIED)
        for family, kind in (
            (socket.AF_UNIX, socket.SOCK_STREAM),
            (socket.AF_NETLINK, socket.SOCK_RAW),
            (socket.AF_PACKET, socket.SOCK_RAW),
            (socket.AF_VSOCK, socket.SOCK_STREAM),
            (socket.AF_INET, socket.SOCK_RAW | socket.SOCK_CLOEXEC),
            (socket.AF_INET6, socket.SOCK_RAW),
        )
    ),
    Way("ask the network", ("127.0.0.1", 9), "network", kind=DENIED),
    Way("ask the network", ("169.254.169.254", 80), "network", kind=DENIED),
    Way("ask the network", ("rebinding.example.com", 80), "network", kind=DENIED),
    Way("ask the network", ("elsewhere.example.org", 80), "network", kind=DENIED),
    # Other processes
    Way("fork bomb", kind=PROCESS),
    Way("fork by hand", (), "seccomp", kind=DENIED),
    Way("run a program", kind=PROCESS),
    Way("signal the parent", kind=PROCESS),
    Way("signal by hand", (), "seccomp", kind=DENIED),
    Way("ptrace", (), "seccomp", kind=DENIED),
    Way("look into the parent", (), "seccomp", kind=DENIED),
    # What the machine has
    Way("fill memory", (), "rlimit", "memory_exceeded", IncidentKind.MEMORY),
    Way("one large file", (), "rlimit", "output_too_large", IncidentKind.OUTPUT),
    Way("fill the disk", (), "watch", "output_too_large", IncidentKind.DISK),
]


class Prison:
    def __init__(self, folder: Path) -> None:
        self._database = folder / "reconciler.db"
        self._database.write_bytes(b"canary")
        self._numbers = count()
        environment = {
            **os.environ,
            "PYTHONPATH": ROOT,
            "RECONCILER_DATABASE_URL": f"sqlite:///{self._database}",
        }
        setup = Setup("tests.faults.escapes:program")
        before = _children()
        self.pool = Pool(setup, lambda job, method, arguments: None, children=1, environment=environment)
        (self._zygote,) = _children() - before

    def tried(self, way: Way) -> Done:
        meant = {
            PARENT: self._zygote,
            DATABASE: str(self._database),
            "BYSTANDER": str(BYSTANDER),
            "ROOT": ROOT,
        }
        said = [_with(meant, str(part)) for part in way.aim]
        aim = [int(part) if part.isdigit() else part for part in said]
        task = Task(
            f"task-{next(self._numbers)}", "prisoner", {"deed": way.deed, "aim": aim}, "2026-01-01T00:00:00Z"
        )
        self.pool.start(Job(task, Blueprint("prisoner", "", "static"), Bounds(timeout=20.0, memory=SMALL)))
        while True:
            for done in self.pool.poll(0.2):
                return done


def _with(meant: dict[str, str], text: str) -> str:
    for word, meaning in meant.items():
        text = text.replace(word, meaning)
    return text


def _children() -> set[str]:
    """The processes that this one has started: those of other tests may be among them."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.fixture(scope="module")
def prison(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prison]:
    made = Prison(tmp_path_factory.mktemp("prison"))
    with made.pool:
        yield made


@pytest.mark.parametrize("way", [pytest.param(way, id=way.id) for way in WAYS])
def test_every_way_out_ends_in_a_typed_error_and_an_incident(way: Way, prison: Prison) -> None:
    if not NEEDS.get(way.by, True):
        pytest.skip(f"this kernel offers {FOUND} only")
    BYSTANDER.write_text("still here")
    done = prison.tried(way)
    assert done.result.failure is not None, done.result.output
    assert done.result.failure.code == way.code, done.result.failure.message
    assert done.incident is not None
    assert done.incident.kind is way.kind, done.incident.detail
    assert "canary" not in f"{done.result} {done.incident} {done.said!r}"
    assert BYSTANDER.read_text() == "still here"
    BYSTANDER.unlink()


def test_what_no_escape_left_behind(prison: Prison) -> None:
    assert not Path("/tmp/reconciler-left-behind").exists()
    folders = [child.folder for child in prison.pool._brood]
    assert all(not [*folder.iterdir()] for folder in folders)


@pytest.mark.skipif(FOUND.level is not SandboxLevel.FILES, reason=f"this kernel offers {FOUND} only")
def test_every_mechanism_of_this_kernel_has_stopped_something() -> None:
    assert {way.by for way in WAYS} == {"tripwire", "landlock", "seccomp", "rlimit", "watch", "network"}


def test_a_machine_on_loopback_that_waits_for_somebody_waits_for_ever(prison: Prison) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        port = server.getsockname()[1]
        assert prison.tried(Way("connect", ("127.0.0.1", port))).result.failure is not None
        with pytest.raises(TimeoutError):
            server.accept()

"""A tool that tries to get out of its sandbox, one way at a time. The program of children in `test_escapes`."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sqlite3
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reconciler.agents.base import BaseAgent
from reconciler.agents.factory import AgentFactory
from reconciler.agents.static import StaticAgents
from reconciler.execution.program import Program
from reconciler.execution.zygote import Setup
from reconciler.llm.ollama import Ollama
from reconciler.spec.fields import FieldType
from reconciler.spec.task import Task
from reconciler.tools.base import EffectClass, Parameter, ToolDeclaration
from reconciler.tools.egress import Network
from reconciler.tools.registry import builtin_registry
from reconciler.tools.tool import Tool, ToolContext

GRANTED = ["rebinding.example.com", "127.0.0.1", "169.254.169.254", "*.example.com"]
"""Hosts of its grant: what an operator's network forbids stays forbidden."""
_PTRACE_ATTACH = 16


def _libc(call: Callable[[ctypes.CDLL], int]) -> None:
    """By hand, past everything that Python could notice."""
    libc = ctypes.CDLL(None, use_errno=True)
    if call(libc) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def read_by_hand(path: str) -> None:
    _libc(lambda libc: libc.open(path.encode(), os.O_RDONLY))


def write_by_hand(path: str) -> None:
    _libc(lambda libc: libc.open(path.encode(), os.O_WRONLY | os.O_CREAT, 0o600))


def fork_by_hand() -> None:
    _libc(lambda libc: 0 if (pid := libc.fork()) > 0 else (os._exit(0) if pid == 0 else pid))


def ptrace() -> None:
    _libc(lambda libc: libc.ptrace(_PTRACE_ATTACH, os.getppid(), None, None))


def look_into_the_parent() -> None:
    _libc(lambda libc: libc.syscall(310, os.getppid(), None, 0, None, 0, 0))  # process_vm_readv on x86-64


def signal_by_hand() -> None:
    _libc(lambda libc: libc.kill(os.getppid(), int(signal.SIGTERM)))


def socket_by_hand(family: int, kind: int) -> None:
    _libc(lambda libc: libc.socket(family, kind, 0))


def fork_bomb() -> None:
    while True:
        os.fork()


def thread_bomb() -> None:
    threads = []
    while True:
        thread = threading.Thread(target=threading.Event().wait, daemon=True)
        thread.start()
        threads.append(thread)


def connect(address: tuple[str, int]) -> None:
    socket.create_connection(address, timeout=1).close()


def send(address: tuple[str, int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", address)


def to_unix_socket(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as local:
        local.connect(path)


def read_database(path: str) -> None:
    sqlite3.connect(f"file:{path}?mode=ro", uri=True).execute("SELECT * FROM sqlite_master").fetchall()


def fill_disk() -> None:
    for number in range(10_000):
        Path(f"part{number}").write_bytes(b"x" * 2**23)


def one_large_file() -> None:
    with Path("large").open("wb") as file:
        while True:
            file.write(b"x" * 2**20)


def fill_memory() -> None:
    held = []
    while True:
        held.append(bytearray(2**20))


DEEDS: dict[str, Callable[..., None]] = {
    "read": lambda path: Path(path).read_bytes() and None,
    "list": lambda path: [*Path(path).iterdir()] and None,
    "read by hand": read_by_hand,
    "write": lambda path: Path(path).write_text("x") and None,
    "write by hand": write_by_hand,
    "delete": lambda path: Path(path).unlink(),
    "read the database": read_database,
    "connect": lambda host, port: connect((host, port)),
    "send": lambda host, port: send((host, port)),
    "unix socket": to_unix_socket,
    "socket by hand": socket_by_hand,
    "listen": lambda: socket.create_server(("127.0.0.1", 0)).close(),
    "fork bomb": fork_bomb,
    "fork by hand": fork_by_hand,
    "thread bomb": thread_bomb,
    "run a program": lambda: os.execv("/bin/sh", ["sh"]),
    "ptrace": ptrace,
    "look into the parent": look_into_the_parent,
    "signal the parent": lambda: os.kill(os.getppid(), signal.SIGTERM),
    "signal by hand": signal_by_hand,
    "fill the disk": fill_disk,
    "one large file": one_large_file,
    "fill memory": fill_memory,
}


class Escape(Tool):
    declaration = ToolDeclaration(
        name="escape",
        title="Escape",
        description="Tries to get out.",
        effect=EffectClass.READ,
        parameters={"deed": Parameter(FieldType.STRING, required=True), "aim": Parameter("any")},
        result={},
        implementation="tests.faults.escapes:Escape",
    )

    def execute(self, context: ToolContext, params: Mapping[str, Any]) -> Any:
        if params["deed"] == "ask the network":
            host, port = params["aim"]
            context.network.connect(host, port, GRANTED, timeout=2).close()
        else:
            DEEDS[params["deed"]](*(params.get("aim") or ()))
        return {}


class Prisoner(BaseAgent):
    name = "prisoner"
    tools = ({"name": "escape"},)

    def process_task(self, task: Task, context: Any) -> Mapping[str, Any]:
        self.call(context, "escape", task.input)
        return {"out": True}


def resolve(host: str, port: int) -> list[str]:
    """A name whose owner points it at this machine."""
    return ["127.0.0.1"] if host == "rebinding.example.com" else [host]


def program(setup: Setup) -> Program:
    registry = builtin_registry()
    registry.register(Escape)
    return Program(
        AgentFactory(registry, StaticAgents(Prisoner)),
        Ollama(setup.ollama_url),
        Network(setup.private, resolve=resolve),
    )

"""Agents that behave as badly as they can, and one that does not. The program of children in the tests of the pool."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.agents.base import BaseAgent
from reconciler.agents.factory import AgentFactory
from reconciler.agents.static import StaticAgents
from reconciler.execution.program import Program
from reconciler.execution.zygote import Setup
from reconciler.llm.ollama import Ollama
from reconciler.pipeline.context import RunContext
from reconciler.spec.task import Task
from reconciler.tools.egress import Network
from reconciler.tools.registry import builtin_registry

CONNECTION = 3
"""The descriptor on which a child speaks to its worker."""


class Echo(BaseAgent):
    name = "echo"

    def process_task(self, task: Task, context: RunContext) -> Mapping[str, Any]:
        return {**task.input, "pid": os.getpid()}


class Asker(BaseAgent):
    name = "asker"

    def process_task(self, task: Task, context: RunContext) -> Mapping[str, Any]:
        return {
            "secret": context.host.secret("asker", "key"),
            "ids": [context.host.reserve_id("t", "m") for _ in range(5)],
        }


class Hostile(BaseAgent):
    name = "hostile"

    def process_task(self, task: Task, context: RunContext) -> Mapping[str, Any]:
        deed = getattr(self, str(task.input["deed"]))
        return {"said": deed()}

    def eat(self) -> None:
        held = []
        while True:
            held.append(bytearray(2**20))

    def eat_at_once(self) -> int:
        return len(bytearray(2**33))

    def spin(self) -> None:
        while True:
            pass

    def spin_deaf(self) -> None:
        signal.signal(signal.SIGXCPU, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.spin()

    def nap(self) -> str:
        time.sleep(1)
        return "rested"

    def oversleep(self) -> None:
        time.sleep(3600)

    def oversleep_deaf(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(3600)

    def swallow(self) -> None:
        while True:
            try:
                time.sleep(3600)
            except BaseException:
                continue

    def fork(self) -> None:
        while True:
            os.fork()

    def fork_by_hand(self) -> str:
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        pid = libc.fork()
        if pid == 0:
            time.sleep(3600)
        return os.strerror(ctypes.get_errno()) if pid < 0 else f"forked {pid}"

    def run_program(self) -> str:
        return subprocess.run(["/bin/echo", "hello"], capture_output=True, text=True, check=True).stdout

    def flood(self) -> None:
        while True:
            sys.stdout.write("x" * 10_000)

    def return_much(self) -> str:
        return "x" * 40_000_000

    def print_a_line(self) -> str:
        print("as agents do", flush=True)
        return "printed"

    def garbage(self) -> None:
        os.write(CONNECTION, b"\x00\x00\x00\x03abc")
        time.sleep(3600)

    def huge_message(self) -> None:
        os.write(CONNECTION, b"\xff\xff\xff\xff")
        time.sleep(3600)

    def forge_result(self) -> None:
        body = b'["result", 999, {}, ""]'
        os.write(CONNECTION, len(body).to_bytes(4, "big") + body)
        time.sleep(3600)

    def hang_up(self) -> None:
        os.close(CONNECTION)
        time.sleep(3600)

    def leave(self) -> None:
        os._exit(7)

    def crash(self) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(3600)

    def shoot_the_zygote(self) -> str:
        try:
            os.kill(os.getppid(), signal.SIGKILL)
        except OSError as error:
            return str(error.strerror)
        return "hit"

    def read_a_secret(self) -> str:
        found = []
        for path in ("/etc/passwd", "/etc/shadow", f"/proc/{os.getppid()}/environ", "/root", "/home", "/tmp"):
            try:
                list(Path(path).iterdir()) if Path(path).is_dir() else Path(path).read_bytes()
                found.append(path)
            except OSError:
                pass
        return ",".join(found)

    def write_outside(self) -> str:
        try:
            Path("/tmp/reconciler-test-left-behind").write_text("x")
        except OSError as error:
            return str(error.strerror)
        return "written"

    def write_inside(self) -> str:
        Path("notes.txt").write_text("x")
        return ",".join(sorted(path.name for path in Path.cwd().iterdir()))

    def listen(self) -> str:
        with socket.socket() as server:
            try:
                server.bind(("127.0.0.1", 0))
            except OSError as error:
                return str(error.strerror)
        return "bound"

    def look_around(self) -> str:
        return ",".join(sorted(os.environ))


def program(setup: Setup) -> Program:
    return Program(
        AgentFactory(builtin_registry(), StaticAgents(Echo, Asker, Hostile)),
        Ollama(setup.ollama_url),
        Network(setup.private),
    )

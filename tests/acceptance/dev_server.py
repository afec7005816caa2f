"""`reconcile dev server` as a process of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.api_process import announced
from tests.acceptance.command_line import PROGRAM, CommandLine

PATIENCE = 120.0


@dataclass(frozen=True)
class DevServer:
    base_url: str
    key: str
    line: CommandLine


@contextmanager
def dev_server(folder: Path, *options: str) -> Iterator[DevServer]:
    """On any free port."""
    line = CommandLine(folder)
    log = folder / "dev.log"
    with log.open("w") as told:
        process = subprocess.Popen(
            [PROGRAM, "dev", "server", "--port", "0", *options],
            cwd=folder,
            env=line.environment,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
        )
    try:
        yield DevServer(*announced(log, process), line)
    finally:
        process.terminate()
        process.wait(timeout=60)
    text = log.read_text()
    assert "Traceback" not in text, text

"""`reconcile serve` as a process of its own, over a folder with something in it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.database.api_keys import Role
from tests.acceptance.command_line import PROGRAM
from tests.api_server import PEPPER, seed, serving

PATIENCE = 30.0


@dataclass(frozen=True)
class ServerProcess:
    port: int
    pid: int
    keys: dict[Role, str]
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def memory(self) -> int:
        """Resident, in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024


@contextmanager
def serving_process(folder: Path, rows: int = 3, **settings: str) -> Iterator[ServerProcess]:
    """With the type `notes`, its agent and some rows; nobody works its queue."""
    with serving(folder) as api:
        seed(api, rows)
    log = folder / "log"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "RECONCILER_CACHE_DIR": str(folder / "cache"),
        "RECONCILER_SOURCE": api.settings.source,
        "RECONCILER_DATABASE_URL": api.settings.database,
        "RECONCILER_LOG_FORMAT": "json",
        "RECONCILER_API_PEPPER": PEPPER.decode(),
        "RECONCILER_API_REQUESTS_PER_MINUTE": "99999999",
        "RECONCILER_API_GUESSES_PER_MINUTE": "99999999",
        **settings,
    }
    with log.open("wb") as told:
        process = subprocess.Popen(
            [PROGRAM, "serve", "--port", "0"], env=environment, stdout=told, stderr=told
        )
    try:
        yield ServerProcess(_port(process, log), process.pid, api.keys, log)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0, log.read_text()
    text = log.read_text()
    assert "Traceback" not in text, text
    assert not any(key.split("_", 2)[2] in text for key in api.keys.values())


def announced(log: Path, process: subprocess.Popen[bytes]) -> tuple[str, str]:
    """The address and the key that a first start tells."""
    until = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < until and process.poll() is None:
        text = log.read_text()
        address = re.search(r"Serving on (http://\S+?),", text)
        key = re.search(r"^rk_\S+", text, re.MULTILINE)
        if address and key:
            return address[1], key[0]
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        text = log.read_text()
        found = re.search(r"Serving on http://127\.0\.0\.1:(\d+)", text)
        if found and "startup complete" in text:
            return int(found[1])
        time.sleep(0.05)
    raise AssertionError(log.read_text())

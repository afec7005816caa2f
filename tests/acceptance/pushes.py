"""A repository, a server that its forge tells of pushes, and a controller elsewhere that hears of them."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.command_line import PROGRAM
from tests.repository import Repository

SECRET = "between us"
PATIENCE = 60.0


@contextmanager
def told_of_pushes(source: str, database: str, folder: Path, *options: str) -> Iterator[int]:
    """The port of `reconcile serve`, which without options follows nothing by itself."""
    log = folder / "server.log"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "RECONCILER_CACHE_DIR": str(folder / "server-cache"),
        "RECONCILER_SOURCE": source,
        "RECONCILER_DATABASE_URL": database,
        "RECONCILER_WEBHOOK_SECRET": SECRET,
    }
    with log.open("wb") as told:
        process = subprocess.Popen(
            [PROGRAM, "serve", "--port", "0", *options], env=environment, stdout=told, stderr=told
        )
    try:
        yield _port(process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
    assert "Traceback" not in log.read_text(), log.read_text()


def tell(port: int, commit: str, branch: str = "main") -> int:
    """As GitHub does; the status of the answer."""
    told = {"ref": f"refs/heads/{branch}", "after": commit, "repository": {"full_name": "team/agents"}}
    body = json.dumps(told).encode()
    headers = {
        "X-GitHub-Event": "push",
        "X-Hub-Signature-256": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
        "Content-Type": "application/json",
    }
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    asked.request("POST", "/api/v1/webhooks/git", body, headers)
    status = asked.getresponse().status
    asked.close()
    return status


def push(work: Repository, files: dict[str, str | bytes | None], branch: str = "main") -> str:
    commit = work.commit(files)
    work.git("push", "--quiet", "origin", f"HEAD:{branch}")
    return commit


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        if found := re.search(r"Serving on http://127\.0\.0\.1:(\d+)", log.read_text()):
            return int(found[1])
        time.sleep(0.05)
    raise AssertionError(log.read_text())

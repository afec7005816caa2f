"""`reconcile serve` that is killed and started again, and a client of its builder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from reconciler.database.api_keys import Role, create_key
from reconciler.database.connection import connect
from reconciler.database.upgrade import ensure_catalog
from tests.acceptance.command_line import PROGRAM, CommandLine
from tests.api_server import PEPPER

PATIENCE = 60.0
NOBODY = "http://127.0.0.1:9"


class BuildServer:
    """A server over a source (a folder, unless one is named) and a database of its own, with an author's key."""

    def __init__(self, folder: Path, source: str = "", **environment: str) -> None:
        self.folder = folder
        self.agents = folder / "agents.d"
        self.agents.mkdir(parents=True)
        self.database = f"sqlite:///{folder}/server.db"
        with connect(self.database) as connection:
            ensure_catalog(connection)
            self._key = create_key(connection, "ann", Role.AUTHOR, pepper=PEPPER, created_by="tests")[0]
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "RECONCILER_CACHE_DIR": str(folder / "cache"),
            "RECONCILER_SOURCE": source or str(self.agents),
            "RECONCILER_DATABASE_URL": self.database,
            "RECONCILER_API_PEPPER": PEPPER.decode(),
            "RECONCILER_OLLAMA_URL": NOBODY,
            "RECONCILER_BUILDER_TIMEOUT": "1",
            **environment,
        }
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._client = httpx.Client()

    def start(self) -> BuildServer:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [PROGRAM, "serve", "--port", "0"], env=self.environment, stdout=log, stderr=log
            )
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{self._port()}/api/v1",
            headers={"Authorization": f"Bearer {self._key}"},
            timeout=PATIENCE,
        )
        return self

    def kill(self) -> None:
        """As a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(PATIENCE)
        self._client.close()
        assert "Traceback" not in self._log.read_text(), self._log.read_text()

    def __enter__(self) -> BuildServer:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.kill()

    # --- the builder ------------------------------------------------------------------------------------------

    def begin(self, **body: Any) -> dict[str, Any]:
        """A new session, with `id`."""
        return self._told(self._client.post("/agent-builder/start", json=body), 201)

    def say(self, session: str, text: str, **body: Any) -> dict[str, Any]:
        return self._told(
            self._client.post(f"/agent-builder/{session}/chat", json={"text": text, **body}), 200
        )

    def refused(self, verb: str, path: str, **body: Any) -> httpx.Response:
        """`path` begins with a session."""
        answer = self._client.request(verb, f"/agent-builder/{path}", json=body)
        assert answer.status_code >= 400, answer.text
        return answer

    def session(self, session: str) -> dict[str, Any]:
        return self._told(self._client.get(f"/agent-builder/{session}"), 200)

    def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._told(self._client.get("/agent-builder"), 200)["items"]
        return found

    def forget(self, session: str) -> None:
        assert self._client.delete(f"/agent-builder/{session}").status_code == 204

    def schema(self, session: str) -> dict[str, Any]:
        return self._told(self._client.get(f"/agent-builder/{session}/schema"), 200)

    def finalize(self, session: str, status: int = 200, **body: Any) -> dict[str, Any]:
        return self._told(self._client.post(f"/agent-builder/{session}/finalize", json=body), status)

    def events(self, session: str, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """One turn as it is streamed: (event, data)."""
        with self._client.stream(
            "POST",
            f"/agent-builder/{session}/chat",
            json={"text": text},
            headers={"Accept": "text/event-stream"},
        ) as answer:
            assert answer.status_code == 200
            name = ""
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    yield name, json.loads(line.removeprefix("data: "))

    def _told(self, answer: httpx.Response, status: int) -> dict[str, Any]:
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def _port(self) -> int:
        assert self._process is not None
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self._process.poll() is None:
            text = self._log.read_text()
            found = re.search(r"Serving on http://127\.0\.0\.1:(\d+)", text)
            if found and "startup complete" in text:
                return int(found[1])
            time.sleep(0.05)
        raise AssertionError(self._log.read_text())


def reader(folder: Path, source: str, database: str = "") -> CommandLine:
    """Somebody else: another folder, another cache, and a database of their own unless one is named."""
    folder.mkdir()
    url = database or f"sqlite:///{folder}/reader.db"
    return CommandLine(folder, RECONCILER_SOURCE=source, RECONCILER_DATABASE_URL=url)

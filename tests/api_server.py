"""An API in this process, over a folder and a database of its own, with a key for each role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from api.config import ServeConfig
from reconciler.database.api_keys import Role, create_key
from reconciler.database.connection import connect
from reconciler.database.upgrade import ensure_catalog
from reconciler.settings import Settings

PEPPER = b"pepper of tests"

NOTES: dict[str, Any] = {
    "apiVersion": "reconciler/v1",
    "kind": "AgentType",
    "metadata": {"name": "notes"},
    "spec": {
        "version": "1.0.0",
        "description": "Keeps what it is told.",
        "owner": "ann@example.com",
        "settings": {"token": {"type": "string", "sensitive": True, "default": "none"}},
        "input": {"text": {"type": "text", "required": True, "max_length": 1000}},
        "models": {
            "note": {
                "fields": {
                    "text": {"type": "text", "required": True},
                    "length": {"type": "integer", "index": True},
                    "price": {"type": "decimal", "precision": 8, "scale": 2},
                }
            }
        },
        "output": {"model": "note", "from": "save"},
        "tools": [{"name": "database_writer", "models": ["note"]}],
        "pipeline": [
            {
                "id": "save",
                "tool": "database_writer",
                "with": {
                    "model": "note",
                    "mode": "insert",
                    "values": {
                        "text": "{{ input.text }}",
                        "length": "{{ input.text | length }}",
                        "price": "1.50",
                    },
                },
            }
        ],
    },
}
MY_NOTES: dict[str, Any] = {
    "apiVersion": "reconciler/v1",
    "kind": "Agent",
    "metadata": {"name": "my-notes"},
    "spec": {"type": "notes"},
}


@dataclass
class Api:
    """`folder` is the source. `as_(role)` is a client with a key of that role; `nobody` one without a key."""

    folder: Path
    settings: Settings
    app: FastAPI
    nobody: TestClient
    keys: dict[Role, str] = field(default_factory=dict)

    def as_(self, role: Role) -> TestClient:
        client = TestClient(self.app, base_url="http://localhost", raise_server_exceptions=False)
        client.headers["Authorization"] = f"Bearer {self.keys[role]}"
        return client

    @property
    def admin(self) -> TestClient:
        return self.as_(Role.ADMIN)

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def run(self, given: Mapping[str, Any], agent: str = "my-notes") -> None:
        """A task of an agent, run here and now."""
        from reconciler.bootstrap import run_once

        ran = run_once(self.settings, agent, dict(given), {}, actor="tests")
        assert ran.state.value == "succeeded", ran.failure


@contextmanager
def serving(
    folder: Path, *, database: str = "", source: str = "", config: ServeConfig | None = None
) -> Iterator[Api]:
    agents = folder / "agents.d"
    agents.mkdir(exist_ok=True)
    url = database or f"sqlite:///{folder}/api.db"
    settings = Settings(source=source or str(agents), database=url, cache=folder / "cache", actor="tests")
    config = config or ServeConfig(pepper=PEPPER, hosts=("localhost", "127.0.0.1"))
    with connect(url) as connection:
        ensure_catalog(connection)
        keys = {
            role: create_key(connection, f"{role.value}-key", role, pepper=PEPPER, created_by="tests")[0]
            for role in Role
        }
    app = create_app(settings, config)
    with ExitStack() as stack:
        nobody = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
        stack.enter_context(nobody)
        yield Api(agents, settings, app, nobody, keys)


def seed(api: Api, rows: int = 3) -> None:
    """A type, an agent of it, and rows that it wrote."""
    client = api.admin
    for path, document in (("agent-types", NOTES), ("agents", MY_NOTES)):
        answer = client.post(f"/api/v1/{path}", json=document)
        assert answer.status_code == 201, answer.text
    for number in range(rows):
        api.run({"text": "x" * (number + 1)})

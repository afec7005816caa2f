"""The job that ours and its peers do in the contests of executing: validate a small input, store it as one row."""

from __future__ import annotations

from typing import Any

from reconciler.database.connection import Connection, connect
from reconciler.database.tasks import NewTask
from reconciler.execution.tasks import TaskQueue
from tests.integration.deployed import agent_of, deploy, type_of

JOBS = type_of(
    "jobs",
    {
        "entry": {
            "number": {"type": "integer", "required": True, "min": 0},
            "text": {"type": "string", "max_length": 100, "required": True},
        }
    },
    input={
        "number": {"type": "integer", "required": True, "min": 0},
        "text": {"type": "string", "max_length": 100, "required": True},
    },
    output={"model": "entry", "from": "save"},
    tools=[{"name": "database_writer", "models": ["entry"]}],
    pipeline=[
        {
            "id": "save",
            "tool": "database_writer",
            "with": {
                "model": "entry",
                "mode": "insert",
                "values": {"number": "{{ input.number }}", "text": "{{ input.text }}"},
            },
        }
    ],
)
BATCH = 50
"""Tasks submitted in one transaction."""


def prepare(url: str) -> Connection:
    connection = connect(url)
    deploy(connection, [JOBS], [agent_of("filer", "jobs")])
    return connection


def submit(connection: Connection, count: int) -> list[str]:
    queue = TaskQueue(connection)
    ids: list[str] = []
    for start in range(0, count, BATCH):
        numbers = range(start, min(count, start + BATCH))
        ids += [one.id for one in queue.submit_all([NewTask("filer", given(n)) for n in numbers])]
    return ids


def given(number: int) -> dict[str, Any]:
    return {"number": number, "text": f"entry {number}"}


def stored(connection: Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM jobs__entry")[0][0])

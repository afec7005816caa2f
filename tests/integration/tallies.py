"""A dynamic agent whose tasks write two rows each, in one of which stands a number nobody else may write."""

from __future__ import annotations

from typing import Any

from reconciler.database.connection import Connection, connect
from reconciler.execution.tasks import TaskQueue
from tests.integration.deployed import agent_of, deploy, type_of

TALLIES = type_of(
    "tallies",
    {
        "tally": {"number": {"type": "integer", "required": True, "unique": True}, "text": "string"},
        "stroke": {
            "tally": {"type": "reference", "model": "tally", "required": True},
            "side": {"type": "string", "required": True},
        },
    },
    input={"number": {"type": "integer", "required": True}},
    output={"model": "tally", "from": "save"},
    tools=[{"name": "template"}, {"name": "database_writer", "models": ["tally", "stroke"]}],
    pipeline=[
        {"id": "say", "tool": "template", "with": {"template": "number {{ input.number }}"}},
        {
            "id": "save",
            "tool": "database_writer",
            "with": {
                "model": "tally",
                "mode": "insert",
                "values": {"number": "{{ input.number }}", "text": "{{ steps.say.text }}"},
            },
        },
        {
            "id": "stroke",
            "tool": "database_writer",
            "with": {
                "model": "stroke",
                "mode": "insert",
                "values": {"tally": "{{ steps.save.id }}", "side": "left"},
            },
        },
    ],
)


def deploy_tallies(connection: Connection, **limits: Any) -> None:
    """The agent `counter`."""
    deploy(connection, [TALLIES], [agent_of("counter", "tallies", limits=limits)])


def submit_tallies(connection: Connection, count: int, first: int = 0) -> list[str]:
    """Ids of so many tasks, one for each number."""
    from reconciler.database.tasks import NewTask

    new = [NewTask("counter", {"number": number}) for number in range(first, first + count)]
    return [submitted.id for submitted in TaskQueue(connection).submit_all(new)]


def check_tallies(url: str, count: int) -> None:
    """Every task has ended once, and each that succeeded has its two rows and no other has any."""
    with connect(url) as db:
        states = dict(db.execute("SELECT id, state FROM tasks WHERE agent = 'counter'"))
        tallies = db.execute("SELECT task_id, id FROM tallies__tally WHERE deleted_at IS NULL")
        strokes = db.execute("SELECT task_id, tally FROM tallies__stroke WHERE deleted_at IS NULL")
    assert len(states) == count
    assert not set(states.values()) & {"pending", "running"}
    succeeded = {id_ for id_, state in states.items() if state == "succeeded"}
    assert sorted(task_id for task_id, _ in tallies) == sorted(succeeded)
    assert sorted(strokes) == sorted(tallies)

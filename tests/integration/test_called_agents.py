"""An agent that is a step of another: one task, in which each sees what the other has written so far."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.agents.factory import AgentFactory
from reconciler.agents.static import StaticAgents
from reconciler.database.connection import Connection, connect
from reconciler.database.tasks import NewTask
from reconciler.execution.inline import Ran, run_inline
from reconciler.settings import Settings
from reconciler.tools.registry import builtin_registry
from tests.integration.deployed import agent_of, deploy, type_of

OUTER, INNER = "{{ input.part == 'outer' }}", "{{ input.part == 'inner' }}"
CALL = {"id": "call", "agent": "ann", "input": {"part": "inner"}, "when": OUTER}
LOOK = {"id": "look", "tool": "database_reader", "with": {"model": "note", "order_by": ["id"]}}


def save(step: str, when: str, text: str, size: int | str) -> dict[str, Any]:
    return {
        "id": step,
        "when": when,
        "tool": "database_writer",
        "with": {"model": "note", "mode": "upsert", "key": ["text"], "values": {"text": text, "size": size}},
    }


@pytest.fixture
def db(database_url: str) -> Any:
    with connect(database_url) as connection:
        yield connection


def run(db: Connection, *pipeline: dict[str, Any]) -> Ran:
    """A task of an agent that calls itself, with `input.part` to tell which of the two it is."""
    notes = type_of(
        "notes",
        {"note": {"text": {"type": "string", "unique": True}, "size": "integer"}},
        input={"part": {"type": "string", "default": "outer"}},
        tools=[
            {"name": "database_writer", "models": ["note"]},
            {"name": "database_reader", "models": ["note"]},
        ],
        pipeline=[*pipeline],
    )
    deploy(db, [notes], [agent_of("ann", "notes")])
    factory = AgentFactory(builtin_registry(), StaticAgents())
    return run_inline(db, factory, NewTask("ann", {}, max_attempts=1), Settings())


def stored(db: Connection) -> list[tuple[Any, ...]]:
    return db.execute("SELECT text, size FROM notes__note ORDER BY id")


def test_a_called_agent_reads_what_its_caller_has_written(db: Connection) -> None:
    ran = run(
        db,
        save("mine", OUTER, "mine", 1),
        CALL,
        LOOK | {"when": INNER},
        save("seen", INNER, "{{ steps.look.first.text }} seen", 2),
    )
    assert ran.failure is None, ran.failure
    assert stored(db) == [("mine", 1), ("mine seen", 2)]


def test_a_caller_reads_what_the_agent_it_called_has_written(db: Connection) -> None:
    ran = run(
        db, save("kept", INNER, "kept", 2), CALL, LOOK, save("seen", OUTER, "seen", "{{ steps.look.count }}")
    )
    assert ran.failure is None, ran.failure
    assert stored(db) == [("kept", 2), ("seen", 1)]


def test_a_row_that_the_caller_made_is_the_one_that_a_called_agent_changes(db: Connection) -> None:
    ran = run(db, save("mine", OUTER, "mine", 1), CALL, save("again", INNER, "mine", 2))
    assert ran.failure is None, ran.failure
    assert stored(db) == [("mine", 2)]


def test_of_a_called_agent_that_failed_the_caller_sees_nothing(db: Connection) -> None:
    ran = run(
        db,
        save("mine", OUTER, "mine", 1),
        save("changed", INNER, "mine", 7),
        save("kept", INNER, "kept", 2),
        save("broken", INNER, "broken", "many"),
        CALL | {"on_error": "continue"},
        LOOK,
        save("seen", OUTER, "{{ steps.look.first.size }} seen", "{{ steps.look.count }}"),
    )
    assert ran.failure is None, ran.failure
    assert [trace["status"] for trace in ran.trace if trace["step"] == "call/broken"] == ["failed"]
    assert stored(db) == [("mine", 1), ("1 seen", 1)]

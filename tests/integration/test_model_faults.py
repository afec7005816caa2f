"""What goes wrong with Ollama, seen from a task: its typed error in the trace, the retries and the fallback that the
step declares, and rows in the tables either all or none."""

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
from tests.ollama_server import Fault, OllamaServer

RETRIED = ("timeout", "unavailable", "overloaded", "truncated")
CODES = {
    "timeout": [Fault.HANG, Fault.SLOW_HEADERS, Fault.GATEWAY_LATE, Fault.TRICKLE, Fault.STALL],
    "unavailable": [
        *(Fault.DROP, Fault.UNAUTHORIZED, Fault.BROKEN, Fault.OUT_OF_MEMORY, Fault.ODD_ERROR, Fault.GATEWAY),
        *(Fault.NO_OLLAMA, Fault.REDIRECT, Fault.ERROR_MIDWAY),
    ],
    "overloaded": [Fault.BUSY, Fault.RATE_LIMITED, Fault.BUSY_MIDWAY],
    "truncated": [Fault.CUT, Fault.NO_DONE, Fault.HALF_LINE, Fault.LENGTH],
    "model_missing": [Fault.NOT_FOUND],
    "invalid_output": [
        *(Fault.GARBAGE, Fault.NO_OBJECT, Fault.OTHER_SHAPE, Fault.ENDLESS_LINE, Fault.TOOL_CALL)
    ],
    "bad_parameter": [Fault.BAD_REQUEST],
}
CASES = [(fault, code) for code, faults in CODES.items() for fault in faults]


@pytest.fixture
def db(sqlite_url: str) -> Any:
    with connect(sqlite_url) as connection:
        yield connection


def run(db: Connection, ollama: OllamaServer, **of_step: Any) -> Ran:
    """A row before the question, the question, a row after it."""
    note = {"tool": "database_writer", "with": {"model": "note", "mode": "insert"}}
    question = {
        "id": "ask",
        "tool": "llm_processor",
        "with": {"model": "llama3.2", "prompt": "Which?", "output": {"label": "string"}},
        "timeout": 0.4,
        "retry": {"attempts": 2, "backoff": 0.01, "max_backoff": 0.01, "on": [*RETRIED]},
        **of_step,
    }
    agent_type = type_of(
        "notes",
        {"note": {"text": "string"}},
        tools=[
            {"name": "llm_processor", "models": ["llama3.2"]},
            {"name": "keyword_classifier"},
            {"name": "database_writer", "models": ["note"]},
        ],
        pipeline=[
            note | {"id": "before", "with": note["with"] | {"values": {"text": "before"}}},  # type: ignore[operator]
            question,
            note | {"id": "after", "with": note["with"] | {"values": {"text": "{{ steps.ask.label }}"}}},  # type: ignore[operator]
        ],
    )
    deploy(db, [agent_type], [agent_of("ann", "notes")])
    factory = AgentFactory(builtin_registry(), StaticAgents())
    return run_inline(db, factory, NewTask("ann", {}, max_attempts=1), Settings(ollama_url=ollama.url))


def asked(ran: Ran) -> list[tuple[str, str]]:
    return [(step["status"], step["error_code"]) for step in ran.trace if step["step"] == "ask"]


def texts(db: Connection) -> list[str]:
    return [text for (text,) in db.execute("SELECT text FROM notes__note ORDER BY id")]


def test_the_table_names_every_fault_once() -> None:
    assert sorted(fault for fault, _ in CASES) == sorted(Fault)


@pytest.mark.parametrize(("fault", "code"), CASES)
def test_a_task_fails_with_the_faults_code_after_the_declared_retries_and_leaves_no_row(
    fault: Fault, code: str, ollama: OllamaServer, db: Connection
) -> None:
    ollama.fault(fault, times=9)
    ran = run(db, ollama)
    assert ran.failure is not None
    assert (ran.failure.code, ran.failure.where) == (code, "ask")
    assert asked(ran) == [("failed", code)] * (2 if code in RETRIED else 1)
    assert texts(db) == []


@pytest.mark.parametrize(("fault", "code"), CASES)
def test_after_its_retries_a_step_falls_back_and_all_rows_are_there(
    fault: Fault, code: str, ollama: OllamaServer, db: Connection
) -> None:
    ollama.fault(fault, times=9)
    fallback = {"text": "a crash", "rules": {"bug": ["crash"]}, "default": "other"}
    ran = run(db, ollama, fallback={"tool": "keyword_classifier", "with": fallback})
    assert ran.failure is None
    assert asked(ran) == [("failed", code)] * (2 if code in RETRIED else 1) + [("fallback", "")]
    assert texts(db) == ["before", "bug"]


@pytest.mark.parametrize("code", RETRIED)
def test_a_fault_that_passes_costs_a_retry_and_nothing_else(
    code: str, ollama: OllamaServer, db: Connection
) -> None:
    ollama.answer(CODES[code][0], {"label": "sales"})
    ran = run(db, ollama)
    assert asked(ran) == [("failed", code), ("succeeded", "")]
    assert texts(db) == ["before", "sales"]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("falls_back", [False, True])
def test_on_postgresql_rows_are_all_there_or_none_as_well(
    code: str, falls_back: bool, ollama: OllamaServer, postgres_url: str
) -> None:
    ollama.fault(CODES[code][0], times=9)
    fallback = {"text": "a crash", "rules": {"bug": ["crash"]}, "default": "other"}
    instead = {"fallback": {"tool": "keyword_classifier", "with": fallback}} if falls_back else {}
    with connect(postgres_url) as db:
        ran = run(db, ollama, **instead)
        assert asked(ran)[0] == ("failed", code)
        assert (ran.failure is None) == falls_back
        assert texts(db) == (["before", "bug"] if falls_back else [])

"""A child's questions are answered within the reach of its agent; what is no question ends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pytest

from reconciler.errors import DatabaseError, Denied, NotFound, Unavailable
from reconciler.execution.host_calls import HostCalls
from reconciler.execution.jobs import Job
from reconciler.execution.wire import Bounds, Garbage
from reconciler.spec.codec import canonical
from reconciler.spec.task import Blueprint, Task, Write
from reconciler.tools.host import Query
from tests.integration.deployed import agent_of, type_of

INNER = type_of("inner", {"line": {"text": "string"}})
OUTER = type_of(
    "outer",
    {
        "entry": {
            "text": "string",
            "line": {"type": "reference", "model": "other.line"},
        }
    },
    tools=[
        {"name": "database_writer", "models": ["entry"]},
        {"name": "http_request", "hosts": ["example.com"], "limits": {"rate": "10/hour"}},
    ],
    pipeline=[{"id": "ask", "agent": "helper", "input": {}}],
)


def blueprint_of(agent: str) -> Blueprint:
    found = {"caller": OUTER, "helper": INNER}.get(agent)
    if found is None:
        raise NotFound(f"no agent {agent}")
    return Blueprint(agent, agent, "dynamic", canonical(found), canonical(agent_of(agent, found.name)))


class AnyHost:
    """Answers everything, and remembers what."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._next = 0

    def reserve_id(self, type_name: str, model: str) -> int:
        self._next += 1
        return self._next

    def find(self, type_name: str, model: str, key: Mapping[str, Any]) -> dict[str, Any] | None:
        if "broken" in key:
            raise DatabaseError("postgresql://u@h/d went away")
        if "mad" in key:
            raise ZeroDivisionError
        return dict(key)

    def read(self, query: Query, writes: Sequence[Write]) -> list[dict[str, Any]]:
        return [{"limit": query.limit, "writes": len(writes)}]

    def secret(self, agent: str, name: str) -> str:
        return f"{agent}/{name}"

    def take(self, agent: str, tool: str, rate: str) -> None:
        self.asked.append(f"{agent} {tool} {rate}")

    def blueprint(self, agent: str) -> Blueprint:
        return blueprint_of(agent)


JOB = Job(Task("t", "caller", {}, ""), blueprint_of("caller"), Bounds())
WRITE = Write("outer", "entry", "caller", "1.0.0", "insert", {"text": "x"}, 1)


def ask(method: str, *arguments: Any) -> Any:
    host = AnyHost()
    return HostCalls(lambda: host)(JOB, method, list(arguments))


@pytest.mark.parametrize(
    ("method", "arguments", "answer"),
    [
        ("reserve_ids", ("outer", "entry", 3), [1, 2, 3]),
        ("reserve_ids", ("inner", "line", 1), [1]),
        ("find", ("outer", "entry", {"text": "x"}), {"text": "x"}),
        ("read", (asdict(Query("outer", "entry", limit=7)), [asdict(WRITE)]), [{"limit": 7, "writes": 1}]),
        ("secret", ("caller", "key"), "caller/key"),
        ("secret", ("helper", "key"), "helper/key"),
        ("take", ("caller", "http_request", "10/hour"), None),
    ],
)
def test_what_is_within_reach_is_answered(method: str, arguments: tuple[Any, ...], answer: Any) -> None:
    # As it arrives: lists, where a dataclass has tuples.
    given = [
        {k: list(v) if isinstance(v, tuple) else v for k, v in a.items()} if isinstance(a, dict) else a
        for a in arguments
    ]
    if method == "read":
        given[1] = [{**w, "key": list(w["key"])} for w in given[1]]
    assert ask(method, *given) == answer


def test_the_agents_that_are_called_are_known() -> None:
    assert ask("blueprint", "helper") == blueprint_of("helper")


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("secret", ("stranger", "key")),
        ("blueprint", ("stranger",)),
        ("find", ("strangers", "entry", {})),
        ("find", ("other", "line", {"id": 1})),
        ("reserve_ids", ("other", "line", 1)),
        ("reserve_ids", ("strangers", "entry", 1)),
        ("take", ("caller", "http_request", "1000000/second")),
        ("take", ("caller", "email_connector", "10/hour")),
        ("take", ("stranger", "http_request", "10/hour")),
    ],
)
def test_what_is_beyond_is_denied(method: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(Denied):
        ask(method, *arguments)


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("drop_tables", ()),
        ("secret", ("caller",)),
        ("secret", (1, 2)),
        ("reserve_ids", ("outer", "entry", 0)),
        ("reserve_ids", ("outer", "entry", 10**9)),
        ("find", ("outer", "entry", [])),
        ("find", ("outer", "entry", {"mad": 1})),
        ("read", ({"type": "outer"}, [])),
        ("read", (asdict(Query("outer", "entry")), [{}])),
    ],
)
def test_what_is_no_question_is_garbage(method: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(Garbage):
        ask(method, *arguments)


def test_of_the_database_nothing_is_told() -> None:
    with pytest.raises(Unavailable) as told:
        ask("find", "outer", "entry", {"broken": 1})
    assert "postgresql" not in told.value.message

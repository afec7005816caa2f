"""What the processes of tasks ask their host, answered: each within the reach of its own agent.

A child is not trusted. What is not shaped like a question is `Garbage`, and a question after what is none of its
agent's business is Denied, whatever the child believes it may do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from reconciler.errors import DatabaseError, Denied, Locked, NotFound, ReconcilerError, Unavailable
from reconciler.execution.jobs import Job
from reconciler.execution.wire import Garbage, read_query, read_write
from reconciler.spec.task import Blueprint
from reconciler.tools.host import Host

_MOST_IDS = 64


class HostCalls:
    """The `Answer` over a host, asked for anew each time: it changes when a connection has to."""

    def __init__(self, host: Callable[[], Host]) -> None:
        self._current = host

    @property
    def _host(self) -> Host:
        return self._current()

    def __call__(self, job: Job, method: str, arguments: list[Any]) -> Any:
        try:
            return self._answer(job, method, arguments)
        except (DatabaseError, Locked) as error:
            # Nothing about the database is for tasks to know, except that it is worth another try.
            raise Unavailable("the database did not answer") from error
        except (ReconcilerError, Garbage):
            raise
        except Exception as error:
            # Whatever a process thinks up, it is answered or ended; its worker goes on.
            raise Garbage(f"a question that led to {type(error).__name__}") from error

    def _answer(self, job: Job, method: str, arguments: list[Any]) -> Any:
        match method, arguments:
            case "reserve_ids", [str(type_), str(model), int(number)] if 0 < number <= _MOST_IDS:
                self._check_type(job, type_)
                return [self._host.reserve_id(type_, model) for _ in range(number)]
            case "find", [str(type_), str(model), dict(key)]:
                self._check_type(job, type_)
                return self._host.find(type_, model, key)
            case "read", [query, list(writes)]:
                wanted = read_query(query)
                self._check_type(job, wanted.type)
                return self._host.read(wanted, [read_write(write) for write in writes])
            case "secret", [str(agent), str(name)]:
                self._check_agent(job, agent)
                return self._host.secret(agent, name)
            case "take", [str(agent), str(tool), str(rate)]:
                self._check_agent(job, agent)
                self._check_rate(job, agent, tool, rate)
                self._host.take(agent, tool, rate)
                return None
            case "blueprint", [str(agent)]:
                self._check_agent(job, agent)
                return self._host.blueprint(agent)
        raise Garbage("a question that nobody asks")

    def _check_agent(self, job: Job, agent: str) -> None:
        if agent != job.task.agent and agent not in self._agents(job):
            raise Denied(f"agent {job.task.agent} has no business with agent {agent}")

    def _check_rate(self, job: Job, agent: str, tool: str, rate: str) -> None:
        """The rate is the grant's, and not what a process would rather have."""
        blueprint = job.blueprint if agent == job.task.agent else self._agents(job)[agent]
        if blueprint.kind == "dynamic" and (tool, rate) not in _traits(blueprint).rates:
            raise Denied(f"agent {agent} has no grant of `{tool}` at {rate[:40]}")
        if not re.fullmatch(r"[0-9]{1,9}/(second|minute|hour|day)", rate):
            raise Garbage("no rate")

    def _check_type(self, job: Job, type_name: str) -> None:
        if type_name != _traits(job.blueprint).type and not any(
            type_name == _traits(blueprint).type for blueprint in self._agents(job).values()
        ):
            raise Denied(f"agent {job.task.agent} has no business with the tables of {type_name}")

    def _agents(self, job: Job) -> dict[str, Blueprint]:
        """The agents that its pipeline calls, and those that theirs call."""
        found: dict[str, Blueprint] = {}
        pending = [*_traits(job.blueprint).agents]
        while pending:
            name = pending.pop()
            if name in found or name == job.task.agent:
                continue
            try:
                found[name] = self._host.blueprint(name)
            except (NotFound, Denied):  # the step that calls it will be told
                continue
            pending += _traits(found[name]).agents
        return found


@dataclass(frozen=True, slots=True)
class _Traits:
    """`agents`: called by its steps. `type`: whose tables it may look at; that it refers to those of others opens none
    of them. `rates`: (tool, rate) of its grants."""

    agents: frozenset[str] = frozenset()
    type: str = ""
    rates: frozenset[tuple[str, str]] = frozenset()


def _traits(blueprint: Blueprint) -> _Traits:
    return _traits_of(blueprint.type_text)


@lru_cache(256)
def _traits_of(type_text: str) -> _Traits:
    if not type_text:
        return _Traits()
    document = json.loads(type_text)
    spec = document["spec"]
    return _Traits(
        frozenset(_agents_of(spec.get("pipeline", []))),
        document["metadata"]["name"],
        frozenset(_rates_of(spec.get("tools", []))),
    )


def _agents_of(steps: list[dict[str, Any]]) -> Iterator[str]:
    for step in steps:
        if step.get("agent"):
            yield step["agent"]
        yield from _agents_of(step.get("parallel") or [])


def _rates_of(grants: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for grant in grants:
        limits = grant.get("limits") or {}
        if limits.get("rate"):
            yield grant["name"], limits["rate"]

"""Tasks on their way to a worker.

A claim is a promise for a while: who does not renew it in time loses the task to others, and the token that grows with
each claim keeps the loser from writing. Losing a claim to a power cut is harmless, so that claims do not wait for the
disk; only ends do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.database.clock import moment_of, time_text
from reconciler.database.connection import Connection, Params, Row
from reconciler.database.holds import holds
from reconciler.database.json_text import from_json
from reconciler.database.tasks.allowance import allowance, started
from reconciler.database.tasks.deployments import Deployment, deployments, static_deployment
from reconciler.database.tasks.records import Claimed, TaskKind
from reconciler.spec.task import Task

# One look per agent instead of one at every waiting task: an agent whose limits are reached may have thousands.
_WAITING = """
WITH RECURSIVE waiting (agent) AS (
  SELECT min(agent) FROM tasks WHERE state = 'pending'
  UNION ALL
  SELECT (SELECT min(agent) FROM tasks WHERE state = 'pending' AND agent > waiting.agent)
  FROM waiting WHERE waiting.agent IS NOT NULL
)
SELECT agent,
  (SELECT min(not_before) FROM tasks WHERE state = 'pending' AND agent = waiting.agent) AS since,
  (SELECT kind FROM tasks WHERE state = 'pending' AND agent = waiting.agent LIMIT 1)
FROM waiting WHERE agent IS NOT NULL ORDER BY since, agent"""

_CLAIM = """
UPDATE tasks SET state = 'running', worker = ?, token = token + 1, attempts = attempts + 1,
  started_at = ?, expires_at = ?, type = ?, type_version = ?, revision = ?, manifest_digest = ?
WHERE {which} RETURNING id, input, settings, submitted_at, attempts, max_attempts, token"""

_OLDEST = (
    "SELECT id FROM tasks WHERE state = 'pending' AND agent = ? AND kind = ? AND not_before <= ?"
    " ORDER BY not_before LIMIT ?"
)
_CLAIM_OLDEST = {
    "sqlite": _CLAIM.format(which=f"id IN ({_OLDEST})"),
    # ARRAY, as the planner might run a plain subquery more than once, and lock more than was asked for.
    "postgresql": _CLAIM.format(which=f"id = ANY (ARRAY ({_OLDEST} FOR UPDATE SKIP LOCKED))"),
}
_CLAIM_ONE = _CLAIM.format(
    which="state = 'pending' AND agent = ? AND kind = ? AND not_before <= ? AND id = ?"
)


@dataclass(frozen=True, slots=True)
class _Claim:
    """What all tasks that one worker takes at one moment have in common."""

    worker: str
    now: datetime
    ttl: float

    @property
    def at(self) -> str:
        return time_text(self.now)

    def marks(self, deployment: Deployment) -> Params:
        expires = time_text(self.now + timedelta(seconds=self.ttl))
        by = deployment
        return (self.worker, self.at, expires, by.type, by.type_version, by.revision, by.manifest_digest)


def claim(
    connection: Connection,
    worker: str,
    limit: int,
    *,
    ttl: float,
    agents: Collection[str] | None = None,
    kind: TaskKind | None = None,
) -> list[Claimed]:
    """Up to `limit` tasks that are due, in the order they were submitted, for `ttl` seconds.

    No agent gets more than its limits leave it, and where many wait each gets its share. Claims that have run out are
    taken over first. `agents` and `kind` narrow what is looked at. With nothing due this only reads.
    """
    now = moment_of(connection)
    take_over(connection, time_text(now))
    waiting = _waiting(connection, time_text(now), agents, kind)
    if not waiting:
        return []
    with connection.transaction(durable=False):
        deployed = _deployed(connection, waiting)
        claimed = _share_out(connection, _Claim(worker, now, ttl), deployed, limit)
    return sorted(claimed, key=lambda one: one.task.id)


def claim_one(connection: Connection, worker: str, task_id: str, *, ttl: float) -> Claimed | None:
    """This task; None if it is not due, claimed by another, ended, or beyond what its agent's limits leave."""
    now = moment_of(connection)
    take_over(connection, time_text(now))
    found = connection.execute(
        "SELECT agent, kind FROM tasks WHERE id = ? AND state = 'pending' AND not_before <= ?",
        (task_id, time_text(now)),
    )
    if not found:
        return None
    claim = _Claim(worker, now, ttl)
    with connection.transaction(durable=False):
        for deployment in _deployed(connection, found):
            agent, limits = deployment.blueprint.agent, deployment.limits
            if allowance(connection, agent, limits, now) > 0:
                which = (agent, deployment.blueprint.kind, claim.at, task_id)
                rows = connection.execute(_CLAIM_ONE, (*claim.marks(deployment), *which))
                started(connection, agent, limits, now, len(rows))
                return next(_claimed(rows, deployment), None)
    return None


def take_over(connection: Connection, now: str) -> int:
    """Put back what is running though its claim has run out; how many tasks that were.

    A task that has used up its attempts ends as a dead letter, one that was to be cancelled as cancelled.
    """
    overdue = "state = 'running' AND expires_at < ?"
    if not connection.execute(f"SELECT 1 FROM tasks WHERE {overdue} LIMIT 1", (now,)):
        return 0
    which = f"id IN (SELECT id FROM tasks WHERE {overdue}"
    which += ")" if connection.dialect == "sqlite" else " ORDER BY id FOR UPDATE SKIP LOCKED)"
    with connection.transaction():
        return len(connection.execute(_TAKE_OVER.format(which=which), (now, now)))


_TAKE_OVER = """
UPDATE tasks SET
  state = CASE WHEN cancel_requested IS NOT NULL THEN 'cancelled'
    WHEN attempts >= max_attempts THEN 'dead_letter' ELSE 'pending' END,
  finished_at = CASE WHEN cancel_requested IS NOT NULL OR attempts >= max_attempts THEN ? END,
  expires_at = NULL,
  error_code = CASE WHEN cancel_requested IS NOT NULL THEN 'cancelled' ELSE 'crashed' END,
  error_message = coalesce(cancel_requested, 'its worker was not heard of any more'),
  error_where = '', error_hint = ''
WHERE {which} RETURNING id"""


def _waiting(
    connection: Connection, now: str, agents: Collection[str] | None, kind: TaskKind | None
) -> list[Row]:
    """(agent, kind) of the agents that have a task due, the longest waiting first."""
    return [
        (agent, of_kind)
        for agent, since, of_kind in connection.execute(_WAITING)
        if since <= now and (agents is None or agent in agents) and (kind is None or of_kind == kind)
    ]


def _deployed(connection: Connection, waiting: Sequence[Row]) -> list[Deployment]:
    """In the same order; agents that are disabled, on hold, removed or retired are left out, and their tasks wait."""
    dynamic = deployments(connection, [agent for agent, kind in waiting if kind == "dynamic"])
    static = {agent: static_deployment(agent) for agent, kind in waiting if kind == "static"}
    if static:
        static = {agent: found for agent, found in static.items() if agent not in holds(connection)}
    known = dynamic | static
    return [known[agent] for agent, _ in waiting if agent in known]


def _share_out(
    connection: Connection, claim: _Claim, deployed: Sequence[Deployment], limit: int
) -> list[Claimed]:
    """Equal shares in rounds: what one agent has no tasks for goes to the others in the next."""
    rooms: dict[str, int] = {}
    hungry: list[Deployment] = []
    for deployment in deployed:
        if len(hungry) == limit:
            break
        room = allowance(connection, deployment.blueprint.agent, deployment.limits, claim.now)
        if room:
            rooms[deployment.blueprint.agent] = room
            hungry.append(deployment)
    claimed: list[Claimed] = []
    while hungry and len(claimed) < limit:
        share = max(1, (limit - len(claimed)) // len(hungry))
        for deployment in [*hungry]:
            agent = deployment.blueprint.agent
            asked = min(share, rooms[agent], limit - len(claimed))
            got = [*_oldest(connection, claim, deployment, asked)] if asked else []
            started(connection, agent, deployment.limits, claim.now, len(got))
            claimed += got
            rooms[agent] -= len(got)
            if len(got) < asked or not rooms[agent]:
                hungry.remove(deployment)
    return claimed


def _oldest(connection: Connection, claim: _Claim, deployment: Deployment, count: int) -> Iterator[Claimed]:
    which = (deployment.blueprint.agent, deployment.blueprint.kind, claim.at, count)
    rows = connection.execute(_CLAIM_OLDEST[connection.dialect], (*claim.marks(deployment), *which))
    return _claimed(rows, deployment)


def _claimed(rows: Iterable[Row], deployment: Deployment) -> Iterator[Claimed]:
    by = deployment
    for id_, given, settings, submitted_at, attempts, max_attempts, token in rows:
        task = Task(
            id_,
            by.blueprint.agent,
            from_json(given),
            submitted_at,
            from_json(settings) if settings != "{}" else {},
            attempts,
        )
        yield Claimed(
            task,
            by.blueprint,
            token,
            by.limits,
            by.revision,
            by.type,
            by.type_version,
            by.manifest_digest,
            max_attempts,
            by.policies,
        )

"""Agents as they are deployed now, with all it takes to run them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from reconciler.database.connection import Connection, Row
from reconciler.database.records.batches import in_batches
from reconciler.database.records.reading import stored_specs
from reconciler.errors import Denied, NotFound
from reconciler.spec.findings import did_you_mean
from reconciler.spec.limits import Limits, tightened
from reconciler.spec.task import Blueprint

_DEPLOYED = """
SELECT a.name, a.enabled, a.digest, t.digest, t.name, t.version,
  CASE WHEN a.revision > t.revision THEN a.revision ELSE t.revision END, h.reason, ({policies})
FROM agents AS a JOIN agent_types AS t ON t.name = a.type AND t.current AND t.status <> 'retired'
LEFT JOIN agent_holds AS h ON h.agent = a.name
WHERE a.deleted_at IS NULL AND a.name IN """
_POLICIES = {
    "sqlite": "SELECT coalesce(group_concat(digest), '') FROM (SELECT digest FROM policies ORDER BY name)",
    "postgresql": "SELECT coalesce(string_agg(digest, ',' ORDER BY name), '') FROM policies",
}
_SELECT = {dialect: _DEPLOYED.format(policies=policies) for dialect, policies in _POLICIES.items()}


@dataclass(frozen=True, slots=True)
class Deployment:
    """`limits` are those of the type, tightened by the agent's. `policies`: see `Claimed`."""

    blueprint: Blueprint
    limits: Limits
    type: str = ""
    type_version: str = ""
    revision: int = 0
    manifest_digest: str = ""
    policies: str | None = None


def static_deployment(agent: str) -> Deployment:
    """Of an agent that is a class, installed beside the program: the database knows nothing of it."""
    return Deployment(Blueprint(agent, "", "static"), Limits())


def deployments(connection: Connection, agents: Collection[str]) -> dict[str, Deployment]:
    """By name, of those that are enabled, not on hold, and whose type is neither removed nor retired."""
    rows = [row for row in _rows(connection, agents) if row[1] and row[7] is None]
    return _with_texts(connection, rows)


def blueprint(connection: Connection, agent: str) -> Blueprint:
    """Of one agent, to run it as a step of another. Raises NotFound, Denied if it is disabled or on hold."""
    rows = _rows(connection, [agent])
    if not rows:
        known = [row[0] for row in connection.execute("SELECT name FROM agents WHERE deleted_at IS NULL")]
        raise NotFound(f"there is no agent {agent}", hint=did_you_mean(agent, known))
    if not rows[0][1]:
        raise Denied(f"agent {agent} is disabled", hint=f"set `enabled: true` in the manifest of {agent}")
    if rows[0][7] is not None:
        hint = f"reconcile agents enable {agent} --reason ..."
        raise Denied(f"agent {agent} is on hold: {rows[0][7]}", hint=hint)
    return _with_texts(connection, rows)[agent].blueprint


def _rows(connection: Connection, agents: Collection[str]) -> list[Row]:
    return [
        row
        for places, batch in in_batches(agents)
        for row in connection.execute(_SELECT[connection.dialect] + places, batch)
    ]


_KEPT = 1024
_Digests = tuple[str, str]
_Known = tuple[Blueprint, Limits]
_kept: dict[_Digests, _Known] = {}
"""By the digests of agent and type, which say all there is to say: of any database and for any time."""


def _with_texts(connection: Connection, rows: list[Row]) -> dict[str, Deployment]:
    pairs = {(row[2], row[3]): row[0] for row in rows}
    # A copy: another thread may empty what is kept while this one reads.
    known = {pair: kept for pair in pairs if (kept := _kept.get(pair)) is not None}
    known |= _read(connection, {pair: name for pair, name in pairs.items() if pair not in known})
    return {
        name: Deployment(*known[agent, of_type], type_name, version, revision, of_type, policies)
        for name, _, agent, of_type, type_name, version, revision, _, policies in rows
    }


def _read(connection: Connection, missing: Mapping[_Digests, str]) -> dict[_Digests, _Known]:
    """`missing`: agent by the digests of its spec and its type's."""
    # By digest, not by name: what that leads to is the very text that was live when the digest was read.
    stored = stored_specs(connection, {digest for pair in missing for digest in pair})
    read: dict[_Digests, _Known] = {}
    for pair, name in missing.items():
        agent_text, type_text = (stored[digest].spec for digest in pair)
        digest = hashlib.sha256(" ".join(pair).encode()).hexdigest()[:32]
        made = Blueprint(name, digest, "dynamic", type_text, agent_text)
        read[pair] = made, _effective_limits(type_text, agent_text)
    if len(_kept) + len(read) > _KEPT:
        _kept.clear()
    _kept.update(read)
    return read


def _effective_limits(type_text: str, agent_text: str) -> Limits:
    of_type, of_agent = (
        Limits.model_validate(json.loads(text)["spec"].get("limits", {})) for text in (type_text, agent_text)
    )
    return tightened(of_type, of_agent)

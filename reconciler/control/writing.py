"""A registration -> rows of the catalog, in as few statements as there are kinds of rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from reconciler.control.registration import Parking, Placed, Registration
from reconciler.database import deletions, inspection, records
from reconciler.database.clock import moment_of, time_text
from reconciler.database.connection import Connection
from reconciler.database.live import LiveTable
from reconciler.database.preflight import count_all
from reconciler.plans.changes import NotNulls, Probe, Rows
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from reconciler.spec.policy import Policy
from reconciler.spec.state import KIND_OF, digest_of
from reconciler.spec.tables import Table


def write_registration(
    connection: Connection,
    registration: Registration,
    revision: int,
    *,
    actor: str,
    reason: str,
    retention: float | None = None,
) -> None:
    """Inside the transaction that changed the tables. `retention` is for how many seconds what was parked is kept at
    least; None: until a hand purges it."""
    _write_objects(connection, registration, revision)
    _write_tables(connection, registration.placed, revision)
    records.drop_tables(connection, registration.gone_tables)
    _write_archives(connection, registration, revision, retention)
    objects: dict[str, str | None] = {
        f"{KIND_OF[spec.kind]}/{spec.name}": digest for spec, _, digest in registration.put
    }
    objects.update(dict.fromkeys(registration.removed))
    records.record_objects(connection, revision, objects)
    modes = _ordered_deletions(connection, registration, revision, actor, reason)
    if registration.events:
        records.append_audit(
            connection,
            [
                records.AuditEntry(actor, action, address, before, after or modes.get(address, ""), reason)
                for action, address, before, after in registration.events
            ],
        )


def _ordered_deletions(
    connection: Connection, registration: Registration, revision: int, actor: str, reason: str
) -> Mapping[str, str]:
    """The mode of each object that goes because somebody ordered it, or that is purged by its own policy."""
    if not registration.removed:
        return {}
    digests = {address: before for _, address, before, _ in registration.events}
    gone = {address: digests[address] for address in registration.removed}
    purged = registration.purge_policies
    return deletions.take_effect(connection, gone, revision, purged=purged, actor=actor, reason=reason)


def _type_registration(spec: AgentType, digest: str, text: str) -> records.TypeRegistration:
    told = spec.spec.deprecated
    message, sunset = (told.message, told.sunset) if told is not None else (None, None)
    return records.TypeRegistration(spec.name, spec.spec.version, digest, text, message, sunset)


def _write_objects(connection: Connection, registration: Registration, revision: int) -> None:
    types: list[records.TypeRegistration] = []
    agents: list[records.AgentDeployment] = []
    policies: list[records.PolicyRegistration] = []
    for spec, text, digest in registration.put:
        match spec:
            case AgentType():
                types.append(_type_registration(spec, digest, text))
            case Agent():
                agents.append(
                    records.AgentDeployment(spec.name, spec.spec.type, digest, text, spec.spec.enabled)
                )
            case Policy():
                policies.append(records.PolicyRegistration(spec.name, digest, text))
    records.put_specs(
        connection,
        [records.StoredSpec(digest, KIND_OF[spec.kind], text) for spec, text, digest in registration.put],
    )
    records.register_types(connection, types, revision)
    records.deploy_agents(connection, agents, revision)
    records.put_policies(connection, policies, revision)
    gone: dict[str, list[str]] = {"type": [], "agent": [], "policy": []}
    for address in registration.removed:
        kind, _, name = address.partition("/")
        gone[kind].append(name)
    records.remove_types(connection, gone["type"], revision)
    records.remove_agents(connection, gone["agent"], revision)
    records.remove_policies(connection, gone["policy"])


def _write_tables(connection: Connection, placed: list[Placed], revision: int) -> None:
    """Tables with what the database now says of them, by which drift is known later."""
    live = inspection.inspect(connection, {table.definition.name for table in placed})
    records.put_tables(
        connection, [_table_record(table, live[table.definition.name], revision) for table in placed]
    )


def _table_record(table: Placed, live: LiveTable, revision: int) -> records.TableRecord:
    definition = table.definition
    text = definition.model_dump_json(exclude_defaults=True)
    return records.TableRecord(
        definition.name,
        definition.owner,
        definition.model,
        text,
        digest_of(text),
        live.as_json(),
        live.digest,
        "retained" if table.status == "retained" else "live",
        revision,
    )


def _write_archives(
    connection: Connection, registration: Registration, revision: int, retention: float | None
) -> None:
    until = None
    if registration.parked and retention is not None:
        until = time_text(moment_of(connection) + timedelta(seconds=retention))
    rows = (
        count_all(connection, [_extent(parked) for parked in registration.parked])
        if registration.parked
        else []
    )
    for parked, count in zip(registration.parked, rows, strict=True):
        new = records.NewArchive(
            parked.owner,
            parked.table,
            parked.column,
            parked.stored_as,
            parked.definition.model_dump_json(exclude_defaults=True),
            revision,
            count,
            until,
            parked.became.model_dump_json(exclude_defaults=True) if parked.became else None,
        )
        records.add_archive(connection, new)
    for number in registration.returned:
        records.mark_restored(connection, number, revision)
    for name in registration.purged:
        for entry in records.archives(connection, table=name):
            if (
                entry.column is not None
            ):  # a table parked under this name before is another one, and still there
                records.mark_purged(connection, entry.id)


def _extent(parked: Parking) -> tuple[Probe, Table]:
    """The question how many rows or values were parked."""
    if isinstance(parked.definition, Table):
        return Rows(parked.stored_as), parked.definition
    stored = parked.definition.model_copy(update={"name": parked.stored_as})
    table = Table(name=parked.table, owner=parked.owner, model=parked.table, columns=(stored,))
    return NotNulls(parked.table, parked.stored_as), table

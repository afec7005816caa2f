"""A type with every kind of field, references in circles, secrets and two agents, applied and filled."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from reconciler.bootstrap import open_cipher, open_deletions, open_proposer, open_reconciler, open_writer
from reconciler.control.lifecycle.deleting import Deleted, Deletions
from reconciler.control.lifecycle.restoring import Restored, restore
from reconciler.control.proposals import Author
from reconciler.control.reports import Outcome
from reconciler.database.clock import moment_of
from reconciler.database.connection import Connection, connect
from reconciler.database.encryption import generate
from reconciler.database.rows.ids import reserve
from reconciler.database.rows.live_models import LiveModels
from reconciler.database.rows.storage import stored_moment
from reconciler.settings import Settings
from tests.integration.test_row_effects import KEPT
from tests.integration.test_stored_values import FIELDS

ANN = Author("ann")
KEY = generate("k1")
CANARY = "canary-8f1d6c2e"
TYPE: dict[str, Any] = {
    "apiVersion": "reconciler/v1",
    "kind": "AgentType",
    "metadata": {"name": "estate"},
    "spec": {
        "version": "1.0.0",
        "models": {
            "thing": {
                "fields": {
                    **FIELDS,
                    "favourite": {"type": "reference", "model": "part", "on_delete": "set_null"},
                    "private": {"type": "string", "sensitive": True},
                    "sealed": {"type": "text", "encrypted": True},
                }
            },
            "part": {
                "fields": {
                    "thing": {
                        "type": "reference",
                        "model": "thing",
                        "on_delete": "cascade",
                        "required": True,
                    },
                    "label": {"type": "string", "required": True},
                }
            },
        },
    },
}
AGENTS = {
    name: {
        "apiVersion": "reconciler/v1",
        "kind": "Agent",
        "metadata": {"name": name},
        "spec": {"type": "estate"},
    }
    for name in ("keeper", "helper")
}
OTHER = {**TYPE, "metadata": {"name": "other"}, "spec": {"version": "1.0.0", "models": {}}}
TABLES = ("estate__part", "estate__thing")
GOING = ("type/estate", "agent/helper", "agent/keeper")


class Estate:
    """In a folder of its own, over the database of `url`. Every file of the source holds one document."""

    def __init__(self, url: str, folder: Path, *, source: str = "", **settings: Any) -> None:
        self.folder = folder / "agents.d"
        self.folder.mkdir(parents=True)
        settings.setdefault("encryption_keys", KEY)
        self.settings = Settings(
            source=source or str(self.folder), database=url, cache=folder / "cache", **settings
        )

    @classmethod
    def settled(cls, url: str, folder: Path, **settings: Any) -> Estate:
        """Applied, with rows of both agents and a task of each."""
        estate = cls(url, folder, **settings)
        estate.write({"type.yaml": TYPE, "other.yaml": OTHER})
        estate.write({f"{name}.yaml": document for name, document in AGENTS.items()})
        estate.apply()
        with estate.connect() as connection:
            fill(connection, estate.settings)
            leave_tasks(connection)
            leave_talk(connection)
        return estate

    def write(self, documents: dict[str, Any]) -> None:
        for name, document in documents.items():
            (self.folder / name).write_text(json.dumps(document, indent=1))

    def apply(self, allow: Sequence[str] = ()) -> Outcome:
        with open_reconciler(self.settings, create=True) as reconciler:
            return reconciler.apply(reconciler.plan(), allow=allow, actor="ann")

    def pending(self) -> bool:
        with open_reconciler(self.settings) as reconciler:
            plan = reconciler.plan()
        return bool(plan.pending or plan.drift or plan.problems)

    def connect(self) -> Connection:
        return connect(self.settings.database)

    def deletions(self, connection: Connection) -> Deletions:
        return open_deletions(self.settings, connection, open_writer(self.settings))

    def delete(self, address: str, mode: Any, *, cascade: bool = True, cancel_tasks: bool = False) -> Deleted:
        with self.connect() as connection:
            deletions = self.deletions(connection)
            impact = deletions.preview(address, mode, cascade=cascade)
            return deletions.delete(
                impact, actor="ann", reason="moved out", author=ANN, cancel_tasks=cancel_tasks
            )

    def restore(self, address: str) -> Restored:
        with self.connect() as connection:
            return restore(connection, self.proposer, address, actor="ann", author=ANN)

    @property
    def proposer(self) -> Callable[[], Any]:
        return lambda: open_proposer(self.settings, open_writer(self.settings))

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Everything in the tables of the live type, read as an application reads it."""
        with self.connect() as connection:
            models = LiveModels(connection, open_cipher(self.settings))
            found = {}
            for name in ("part", "thing"):
                model = models.get("estate", name)
                sql = f"SELECT {model.columns_sql(model.field_names)} FROM {model.quoted} ORDER BY id"
                found[name] = [model.loaded(row, model.field_names) for row in connection.execute(sql)]
        return found

    def raw(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            return connection.execute(sql)


def fill(connection: Connection, settings: Settings, extra: int = 0) -> None:
    """A thing for every kept value, each with a part, by both agents in turns; `extra` plain things."""
    models = LiveModels(connection, open_cipher(settings))
    thing, part = models.get("estate", "thing"), models.get("estate", "part")
    now = stored_moment(moment_of(connection), connection.dialect)
    given = [{name: value} for name, _, value in KEPT] + [{"integer": n} for n in range(extra)]
    things = reserve(connection, "estate__thing", len(given))
    parts = reserve(connection, "estate__part", len(given))
    agents = ["keeper" if n % 2 else "helper" for n in range(len(given))]
    rows = []
    for id_, agent, values in zip(things, agents, given, strict=True):
        full = {**dict.fromkeys(thing.columns), "private": f"{CANARY} {id_}", "sealed": f"sealed {id_}"}
        full |= values
        rows.append((id_, f"task-{agent}", agent, "1.0.0", now, *thing.stored(full, id_)))
    with connection.transaction():
        connection.execute_many(thing.insert_sql, rows)
        connection.execute_many(
            part.insert_sql,
            [
                (
                    *(id_, f"task-{agent}", agent, "1.0.0", now),
                    *part.stored({"label": f"part of {CANARY} {whole}", "thing": whole}, id_),
                )
                for id_, agent, whole in zip(parts, agents, things, strict=True)
            ],
        )
        # To the row after it, so that rows refer to what comes later; and in a circle.
        connection.execute_many(
            "UPDATE estate__thing SET favourite = ?, reference = ? WHERE id = ?",
            [
                (favourite, things[(n + 1) % len(things)], id_)
                for n, (id_, favourite) in enumerate(zip(things, parts, strict=True))
            ],
        )
        connection.execute("UPDATE estate__thing SET deleted_at = created_at WHERE id = ?", (things[3],))


def leave_tasks(connection: Connection) -> None:
    """A task of each agent that has ended, with a trace."""
    from reconciler.database.tasks import Ended, NewTask, claim, finish, submit
    from reconciler.spec.task import TaskResult

    submit(connection, [NewTask(agent, {"said": CANARY}) for agent in AGENTS])
    for one in claim(connection, "w1", 10, ttl=60):
        finish(connection, [Ended(one, TaskResult(output={"told": CANARY}))])


def leave_talk(connection: Connection) -> None:
    """A conversation that drafted the type, one about something else, and a reply that is kept."""
    now = "2026-01-01T00:00:00.000000Z"
    for id_, name, said in (("s1", "estate", CANARY), ("s2", "estate-agency", "nothing of it")):
        connection.execute(
            "INSERT INTO agent_builder_sessions (id, state, owner, messages, requirements, drafts, created_at,"
            " updated_at, expires_at, version) VALUES (?, 'open', 'ann', ?, '{}', ?, ?, ?, ?, 1)",
            (id_, json.dumps([said]), json.dumps([{"text": f"metadata: {{name: {name}}}"}]), now, now, now),
        )
    connection.execute(
        "INSERT INTO kept_replies (caller, idempotency_key, request_digest, status, body, at)"
        " VALUES ('c', 'k', 'd', 200, ?, ?)",
        (json.dumps({"agent": "keeper", "output": CANARY}), now),
    )
    connection.execute(
        "INSERT INTO operations (id, kind, state, actor, submitted_at, request, result)"
        " VALUES ('o', 'run', 'succeeded', 'ann', ?, ?, ?)",
        (now, json.dumps({"agent": "keeper"}), json.dumps({"output": CANARY})),
    )


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))

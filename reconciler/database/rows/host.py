"""DatabaseHost: what a running task may ask for, answered from a database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any

from reconciler.database import rates
from reconciler.database.clock import moment_of
from reconciler.database.connection import Connection
from reconciler.database.rows.cipher import NO_KEY, Cipher
from reconciler.database.rows.conditions import conditions, joined
from reconciler.database.rows.effects import Effects
from reconciler.database.rows.ids import Ids, reserve
from reconciler.database.rows.live_models import LiveModels
from reconciler.database.rows.model import LiveModel
from reconciler.database.rows.queries import RowQuery, chosen_fields, page
from reconciler.database.rows.refusals import changed_meanwhile
from reconciler.database.rows.searching import BadQuery
from reconciler.database.storable import UnfitValue
from reconciler.database.tasks.deployments import blueprint
from reconciler.errors import BadParameter, Denied, RateLimited, RunError
from reconciler.spec.agent_type import AgentType
from reconciler.spec.base import RATE_SECONDS
from reconciler.spec.task import Blueprint, Write
from reconciler.tools.host import Query

Secrets = Callable[[str, str], str]
"""(agent, name of a secret) -> its value. Raises Denied, Unavailable."""


def no_secrets(agent: str, name: str) -> str:
    raise Denied(f"agent {agent} has no secret `{name}` here")


class DatabaseHost:
    """A `Host` over a connection of its own, which is opened when first needed. May be shared by threads: they take
    turns.

    `types` are used in the place of registered ones where they are given, so that what is not applied yet can be
    tried out on a throw-away database. `counter` counts calls elsewhere than in the database.
    """

    def __init__(
        self,
        connect: Callable[[], Connection] | Connection,
        *,
        secrets: Secrets = no_secrets,
        cipher: Cipher = NO_KEY,
        types: Collection[AgentType] | None = None,
        blueprints: Mapping[str, Blueprint] | None = None,
        counter: rates.Counter | None = None,
    ) -> None:
        self._connect, self._secrets, self._cipher = connect, secrets, cipher
        self._types, self._blueprints, self._counter = types, blueprints, counter
        self._opened: Connection | None = connect if isinstance(connect, Connection) else None
        self._turn = RLock()
        self._ids = Ids(self._reserve)

    def close(self) -> None:
        """Closes the connection if it was opened here."""
        with self._turn:
            if self._opened is not None and self._opened is not self._connect:
                self._opened.close()
                self._opened = None

    # --- Host ---------------------------------------------------------------------------------------------

    def reserve_id(self, type_name: str, model: str) -> int:
        with self._connection() as connection:
            table = self._model(connection, type_name, model).table.name
        return self._ids.take(table)

    def find(self, type_name: str, model: str, key: Mapping[str, Any]) -> dict[str, Any] | None:
        with self._connection() as connection, _asked_by_a_task():
            found = self._model(connection, type_name, model)
            names = chosen_fields(found, ())
            # Deleted ones too: they still have their key, and an upsert brings them back.
            sql, params = joined(conditions(found, key))
            rows = connection.execute(
                f"SELECT {found.columns_sql(names)} FROM {found.quoted} WHERE {sql} ORDER BY id LIMIT 1",
                params,
            )
            return found.loaded(rows[0], names) if rows else None

    def read(self, query: Query, writes: Sequence[Write]) -> list[dict[str, Any]]:
        with self._connection() as connection, _asked_by_a_task():
            if not writes:
                return self._rows(connection, query)
            with _undone(connection):
                models = self._models(connection)
                Effects(connection, models, moment_of(connection)).apply(query.task_id, writes)
                return self._rows(connection, query)

    def secret(self, agent: str, name: str) -> str:
        return self._secrets(agent, name)

    def take(self, agent: str, tool: str, rate: str) -> None:
        count, unit = rate.split("/")
        wanted = rates.Rate(f"calls/{agent}/{tool}", int(count), RATE_SECONDS[unit])
        if not (self._counter.take(wanted) if self._counter is not None else self._take(wanted)):
            raise RateLimited(f"agent {agent} may call `{tool}` {rate.replace('/', ' times per ')}")

    def blueprint(self, agent: str) -> Blueprint:
        if self._blueprints is not None and agent in self._blueprints:
            return self._blueprints[agent]
        with self._connection() as connection:
            return blueprint(connection, agent)

    # --- inside -------------------------------------------------------------------------------------------

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with self._turn:
            if self._opened is None:
                assert not isinstance(self._connect, Connection)
                self._opened = self._connect()
            yield self._opened

    def _take(self, wanted: rates.Rate) -> bool:
        with self._connection() as connection, connection.transaction(durable=False):
            rates.lock(connection, wanted.name)
            now = moment_of(connection)
            if not rates.left(connection, wanted, now):
                return False
            rates.record(connection, wanted, now)
        return True

    def _reserve(self, table: str, count: int) -> list[int]:
        with self._connection() as connection:
            return reserve(connection, table, count)

    def _models(self, connection: Connection) -> LiveModels:
        if self._types is None:
            return LiveModels(connection, self._cipher)
        return LiveModels.of(connection, self._types, self._cipher)

    def _model(self, connection: Connection, type_name: str, model: str) -> LiveModel:
        found = self._models(connection).find(type_name, model)
        if found is None:
            raise changed_meanwhile(f"model `{model}` of {type_name}")
        return found

    def _rows(self, connection: Connection, query: Query) -> list[dict[str, Any]]:
        models = self._models(connection)
        model = models.find(query.type, query.model)
        if model is None:
            raise changed_meanwhile(f"model `{query.model}` of {query.type}")
        asked = RowQuery(query.where, query.order_by, query.fields, query.limit)
        return page(connection, models, model, asked).rows


@contextmanager
def _asked_by_a_task() -> Iterator[None]:
    """A question that makes no sense is a parameter that does not fit, to whoever asked by a tool."""
    try:
        yield
    except BadQuery as error:
        raise BadParameter(error.message, where=error.where, hint=error.hint) from error
    except UnfitValue as error:  # what is stored cannot be opened here
        raise RunError(error.message, where=error.where, hint=error.hint) from error


class _Undo(Exception):
    """Ends a transaction whose work was only needed while it lasted."""


@contextmanager
def _undone(connection: Connection) -> Iterator[None]:
    """What is written inside is seen there and gone afterwards."""
    around = connection.savepoint() if connection.in_transaction else connection.transaction(durable=False)
    try:
        with around:
            yield
            raise _Undo
    except _Undo:
        return

"""An engine as the data plane needs one, and tables in its database, for the tests of dynamic models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from reconciler.database.connection import connect
from reconciler.database.operations import create_all_sql
from reconciler.spec.agent_type import AgentType
from reconciler.spec.tables import Table, tables_of


def agent_type(name: str, **models: dict[str, Any]) -> AgentType:
    """A type with these models: each the fields of one, or under `fields` the whole of it."""
    bodies = {model: body if "fields" in body else {"fields": body} for model, body in models.items()}
    return AgentType.model_validate(
        {
            "apiVersion": "reconciler/v1",
            "kind": "AgentType",
            "metadata": {"name": name},
            "spec": {"version": "1.0.0", "models": bodies},
        }
    )


def tables(*types: AgentType) -> list[Table]:
    return [table for one in types for table in tables_of(one).values()]


@contextmanager
def engine_of(url: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=sa.NullPool)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys = ON"))
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def session_on(url: str, definitions: Iterable[Table]) -> Iterator[Session]:
    """A session in a database whose tables were built by the project's own statements."""
    with connect(url) as connection:
        connection.script(create_all_sql(definitions, connection.dialect))
    with engine_of(url) as engine, Session(engine) as session:
        yield session

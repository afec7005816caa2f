"""Brings the catalog to the version this program knows. Alembic is imported only if that takes something."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from reconciler.database.connection import Connection
from reconciler.database.failures import CatalogTooNew, from_postgres, from_sqlite
from reconciler.errors import DatabaseError, ReconcilerError

if TYPE_CHECKING:
    import sqlite3

    import psycopg
    from alembic.config import Config
    from sqlalchemy import Connection as AlchemyConnection
    from sqlalchemy import Engine
    from sqlalchemy.exc import DBAPIError

CATALOG_VERSION = "0007"
"""The newest revision in `migrations/versions`. They are numbered, so that older and newer can be told."""

VERSION_TABLE = "reconciler_catalog_version"
MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
"""Beside the package in the repository and in an installation alike. By path, so that a package of the same
name in the user's own folder cannot take its place."""

_UPGRADE_LOCK = 0x7265636F  # any number, as long as every program of this name uses the same
UPGRADE_TIMEOUT = 120
"""Seconds to wait for another process that is upgrading."""


def catalog_version(connection: Connection) -> str | None:
    """The revision the catalog is at; None where there is no catalog. One or two light queries."""
    if connection.dialect == "sqlite":
        found = connection.execute(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (VERSION_TABLE,)
        )
    else:
        found = connection.execute("SELECT 1 WHERE to_regclass(?) IS NOT NULL", (VERSION_TABLE,))
    rows = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}") if found else []
    return str(rows[0][0]) if rows else None


def has_catalog(connection: Connection) -> bool:
    """Whether there is a catalog this program can read. Raises CatalogTooNew, DatabaseError if too old."""
    version = catalog_version(connection)
    if version is None:
        return False
    _refuse_newer(version, connection)
    if version != CATALOG_VERSION:
        raise DatabaseError(
            f"the catalog is at version {version}, this program needs {CATALOG_VERSION}",
            where=connection.url,
            hint="an apply upgrades it",
        )
    return True


def ensure_catalog(connection: Connection) -> bool:
    """Upgrade the catalog if that is due; True if this call did it. Not inside a transaction.

    Of several processes that come at once, one upgrades and the others wait. Raises CatalogTooNew.
    """
    version = catalog_version(connection)
    if version == CATALOG_VERSION:
        return False
    _refuse_newer(version, connection)
    if connection.in_transaction:
        raise RuntimeError("the catalog is upgraded outside of a transaction")
    if connection.identity == ":memory:":
        raise DatabaseError("a catalog cannot be kept in memory", where=connection.url, hint="name a file")
    return _upgrade(connection)


def _refuse_newer(version: str | None, connection: Connection) -> None:
    if version is not None and version > CATALOG_VERSION:
        raise CatalogTooNew(
            f"the catalog is at version {version}, this program knows {CATALOG_VERSION}",
            where=connection.url,
            hint="upgrade the program; an older one must not write what it does not understand",
        )


def _upgrade(connection: Connection) -> bool:
    from alembic import command
    from alembic.migration import MigrationContext
    from sqlalchemy.exc import DBAPIError

    try:
        # One transaction around lock, check and migrations: whoever waited for the lock finds the work done.
        with engine_beside(connection).begin() as transaction:
            if connection.dialect == "postgresql":
                transaction.exec_driver_sql(f"SET LOCAL lock_timeout = '{UPGRADE_TIMEOUT}s'")
                transaction.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
            context = MigrationContext.configure(transaction, opts={"version_table": VERSION_TABLE})
            if context.get_current_revision() == CATALOG_VERSION:
                return False
            command.upgrade(alembic_config(transaction), "head")
    except DBAPIError as error:
        raise _in_own_words(error, connection) from error
    return True


def alembic_config(connection: AlchemyConnection | None = None) -> Config:
    """Made here, as the project keeps no alembic.ini. `env.py` runs over `connection`."""
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def engine_beside(connection: Connection) -> Engine:
    """An engine on the same database, whose transactions hold DDL too and which keeps no connection open."""
    from sqlalchemy import NullPool, create_engine, event

    if connection.dialect == "postgresql":
        import psycopg

        return create_engine(
            "postgresql+psycopg://", creator=lambda: psycopg.connect(connection.address), poolclass=NullPool
        )
    import sqlite3

    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(connection.identity, timeout=UPGRADE_TIMEOUT, isolation_level=None),
        poolclass=NullPool,
    )
    # The driver would not begin a transaction before DDL: it is told to leave that to this.
    event.listen(engine, "begin", lambda begun: begun.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _in_own_words(error: DBAPIError, connection: Connection) -> ReconcilerError:
    sql = error.statement or ""
    if connection.dialect == "postgresql":
        return from_postgres(cast("psycopg.Error", error.orig), connection.url, sql)
    return from_sqlite(cast("sqlite3.Error", error.orig), connection.identity, sql)

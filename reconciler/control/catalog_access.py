"""The one connection of a program to its database, opened when it is first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import NotFound

if TYPE_CHECKING:
    from reconciler.database.connection import Connection
    from reconciler.settings import Settings


class CatalogAccess:
    """`create` makes the database where there is none, and brings an older catalog up to date before it is read."""

    def __init__(self, settings: Settings, *, create: bool) -> None:
        self._settings = settings
        self._create = create
        self._open: Connection | None = None

    def close(self) -> None:
        """Lets go of the connection; whatever is asked next opens another one."""
        if self._open is not None:
            self._open.close()
            self._open = None

    @property
    def name(self) -> str:
        """The database's URL without its password."""
        from reconciler.database.connection import masked

        return masked(self._settings.database)

    def connection(self) -> Connection | None:
        """None where the database is a file that does not exist and may not be created."""
        if self._open is None:
            self._open = self._connected()
        return self._open

    def catalog_if_any(self) -> Connection | None:
        """A connection to a database with a catalog; None where nothing was ever applied."""
        from reconciler.database.upgrade import has_catalog

        connection = self.connection()
        return connection if connection is not None and has_catalog(connection) else None

    def catalog(self) -> Connection:
        """As `catalog_if_any`. Raises NotFound where nothing was ever applied."""
        connection = self.catalog_if_any()
        if connection is None:
            raise NotFound(f"nothing was ever applied to {self.name}", hint="reconcile --apply")
        return connection

    def made_catalog(self) -> Connection:
        """A connection to a database whose catalog is up to date, made if there was none."""
        from reconciler.database.upgrade import ensure_catalog

        self._create = True
        connection = self.connection()
        assert connection is not None, "a database that may be created is there"
        ensure_catalog(connection)
        return connection

    def _connected(self) -> Connection | None:
        from reconciler.database.connection import connect
        from reconciler.database.failures import DatabaseMissing

        settings = self._settings
        try:
            found = connect(settings.database, create=self._create, lock_timeout=settings.lock_timeout)
        except DatabaseMissing:
            if settings.database.startswith("sqlite"):
                return None
            raise
        if self._create:
            self._upgrade(found)
        return found

    @staticmethod
    def _upgrade(connection: Connection) -> None:
        from reconciler.database.upgrade import catalog_version, ensure_catalog

        if catalog_version(connection) is not None:
            ensure_catalog(connection)

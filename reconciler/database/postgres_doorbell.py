"""The PostgreSQL side of `doorbell`: a connection of its own that listens."""

from __future__ import annotations

import psycopg

from reconciler.database.doorbell import Channel
from reconciler.database.failures import from_connecting, from_postgres


class PostgresDoorbell:
    interval = float("inf")

    def __init__(self, address: str, url: str, channel: Channel) -> None:
        """`address` is what libpq is given, `url` what people are shown. Raises DatabaseError."""
        self._url = url
        try:
            self._raw = psycopg.connect(address, autocommit=True, application_name="reconciler doorbell")
        except psycopg.Error as error:
            raise from_connecting(error, url) from error
        try:
            self._raw.execute(f"LISTEN {channel}")
            # Kept, as a connection that is lost does not tell it any more to those who wait for it.
            self._descriptor = self._raw.fileno()
        except psycopg.Error as error:
            self._raw.close()
            raise from_postgres(error, url) from error

    def fileno(self) -> int | None:
        return self._descriptor

    def rang(self) -> bool:
        try:
            return bool([*self._raw.notifies(timeout=0)])
        except psycopg.Error as error:
            raise from_postgres(error, self._url) from error

    def close(self) -> None:
        self._raw.close()

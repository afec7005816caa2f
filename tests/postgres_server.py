"""A PostgreSQL server for tests, and empty databases on it.

The server is the one of RECONCILER_TEST_POSTGRES_URL, else one on the usual local port, else a private one
started from installed binaries and stopped at the end.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

URL_VARIABLE = "RECONCILER_TEST_POSTGRES_URL"
LOCAL = "postgresql://postgres@127.0.0.1:5432/postgres"


class NoServerError(Exception):
    """Says why there is none."""


@contextmanager
def running() -> Iterator[str]:
    """The URL of a server on which databases may be made. Raises NoServerError."""
    named = os.environ.get(URL_VARIABLE)
    refusal = _refusal(named or LOCAL)
    if refusal is None:
        yield named or LOCAL
    elif named:
        raise NoServerError(f"{URL_VARIABLE} does not answer: {refusal}")
    else:
        with _private(refusal) as url:
            yield url


def _refusal(url: str) -> str | None:
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.Error as error:
        return " ".join(str(error).split())
    return None


@contextmanager
def _private(refusal: str) -> Iterator[str]:
    binaries = _binaries()
    if binaries is None:
        raise NoServerError(
            f"no PostgreSQL on the local port ({refusal}) and none installed; set {URL_VARIABLE}"
        )
    with tempfile.TemporaryDirectory(prefix="reconciler-postgres-") as folder:
        user = _unprivileged()
        if user:
            shutil.chown(folder, user)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]

        def run(program: str, *arguments: str) -> None:
            # No pipes: the server would inherit them and keep the reader waiting.
            command = [str(binaries / program), "-D", f"{folder}/data", *arguments]
            done = subprocess.run(command, user=user, cwd=folder, stdout=subprocess.DEVNULL, check=False)
            if done.returncode:
                raise NoServerError(f"{program} failed with status {done.returncode}")

        run("initdb", "-U", "postgres", "-A", "trust", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        run("pg_ctl", "start", "-w", "-l", f"{folder}/log", "-o", options)
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "stop", "-m", "immediate")


def _binaries() -> Path | None:
    on_path = shutil.which("pg_ctl")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


def _unprivileged() -> str | None:
    """Whom to run the server as: it refuses to run as root."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


class Databases:
    """Empty databases, used again and again: emptying one takes a tenth of the time of making one."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._prefix = f"reconciler_test_{secrets.token_hex(4)}"
        self._names: list[str] = []
        self._free: list[str] = []

    def take(self) -> str:
        """The URL of an empty database that nobody else uses."""
        if self._free:
            name = self._free.pop()
            self._empty(name)
        else:
            name = f"{self._prefix}_{len(self._names)}"
            self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            self._names.append(name)
        return self._url(name)

    def give_back(self, url: str) -> None:
        self._free.append(urlsplit(url).path.removeprefix("/"))

    def drop(self) -> None:
        for name in self._names:
            self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _url(self, name: str) -> str:
        return urlsplit(self._server)._replace(path=f"/{name}").geturl()

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(statement)

    def _empty(self, name: str) -> None:
        with psycopg.connect(self._url(name), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            schemas = connection.execute(
                "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
            ).fetchall()
            for (schema,) in schemas:
                connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
            connection.execute("CREATE SCHEMA public")

"""`python -m tests.benchmarks.serve_rows SERVER FOLDER REQUESTS`: a server of one process, asked over and over.

SERVER is `ours`, `bare` (a FastAPI route that does the same Core query and nothing else), `datasette`, `submit` (tasks
put into our queue) or `insert` (the same rows inserted and committed one by one, without a server). Prints the seconds.
`p50` and `p99` are ours asked for pages at 80 % of what it can do: the seconds that half, or 99 in 100, of the answers
took at most, counted from when a request was due, whether or not those before it were done.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.database.api_keys import Role
from reconciler.database.tasks import new_task_id
from tests.api_server import PEPPER, seed, serving
from tests.benchmarks.racing import ROOT

CONNECTIONS = 8
SUBMITTERS = 64
"""Tasks are submitted by many at once, as they are where their rate matters."""
PERCENTILES = {"p50": 0.5, "p99": 0.99}
LOAD = 0.8
ROWS = 1000
PAGE = 50
_FILES = "/api/v1/agents/dynamic/my-notes/results?fields=id,task_id,agent,created_at,text,length"


def main() -> None:
    server, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if not (folder / "key").exists():
        prepare(folder)
    key = (folder / "key").read_text()
    if server == "insert":
        print(_inserted(folder, count))
        return
    command, path = _commands(folder)[server]
    with _running(command, folder) as port:
        if server in PERCENTILES:
            print(asyncio.run(_percentile(port, path, key, count, PERCENTILES[server])))
        elif server == "submit":
            body = b'{"input": {"text": "remember"}}'
            print(
                asyncio.run(ask(port, "POST", "/api/v1/agents/my-notes/tasks", key, count, SUBMITTERS, body))
            )
        else:
            print(asyncio.run(ask(port, "GET", path, key, count, CONNECTIONS)))


def prepare(folder: Path) -> None:
    """A database with a table of notes, and a key to read them."""
    with serving(folder) as api:
        seed(api, 1)
        (folder / "key").write_text(api.keys[Role.AUTHOR])
    with sqlite3.connect(folder / "api.db") as connection:
        connection.executemany(
            "INSERT INTO notes__note (task_id, agent, type_version, created_at, text, length)"
            " SELECT task_id, agent, type_version, created_at, ?, ? FROM notes__note WHERE id = 1",
            [(f"a note of some length, number {n}", n) for n in range(ROWS)],
        )


async def ask(
    port: int, method: str, path: str, key: str, count: int, connections: int, body: bytes = b""
) -> float:
    """Seconds for `count` requests over so many connections, after a few to warm up."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    await _ask(port, head + body, 100, 4)
    began = time.perf_counter()
    await _ask(port, head + body, count, connections)
    return time.perf_counter() - began


async def _ask(port: int, request: bytes, count: int, connections: int) -> None:
    left = iter(range(count))

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in left:
            await _answered(reader, writer, request)
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))


async def _percentile(port: int, path: str, key: str, count: int, share: float) -> float:
    """Of the seconds from when a request is due at a steady rate to the end of its answer."""
    seconds = await ask(port, "GET", path, key, count, CONNECTIONS)
    pause = seconds / count / LOAD
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
    took: list[float] = []
    began, due = time.perf_counter(), iter(range(count))

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in due:
            at = began + number * pause
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            await _answered(reader, writer, head)
            took.append(time.perf_counter() - at)
        writer.close()

    await asyncio.gather(*(one() for _ in range(CONNECTIONS * 4)))
    return sorted(took)[int(len(took) * share)]


async def _answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    assert b" 20" in head[:13], head
    length = re.search(rb"content-length: (\d+)", head)
    if length:
        await reader.readexactly(int(length[1]))
    else:
        await _chunks(reader)


async def _chunks(reader: asyncio.StreamReader) -> None:
    while size := int(await reader.readline(), 16):
        await reader.readexactly(size + 2)
    await reader.readexactly(2)


def _commands(folder: Path) -> dict[str, tuple[list[str], str]]:
    reconcile = str(Path(sys.executable).with_name("reconcile"))
    bare = [sys.executable, "-m", "tests.benchmarks.bare_route"]
    datasette = [os.environ.get("DATASETTE", "datasette"), "serve", str(folder / "api.db"), "--port"]
    page = f"/api/notes__note.json?_size={PAGE}&_sort_desc=id&agent__exact=my-notes&_shape=array&_nocount=1"
    ours = [reconcile, "serve", "--port"]
    return {
        "ours": (ours, _FILES),
        "p50": (ours, _FILES),
        "p99": (ours, _FILES),
        "submit": (ours, ""),
        "bare": (bare, "/rows"),
        "datasette": (datasette, page),
    }


@contextmanager
def _running(command: list[str], folder: Path) -> Iterator[int]:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    environment = {
        **os.environ,
        "HOME": str(folder),
        "RECONCILER_SOURCE": str(folder / "agents.d"),
        "RECONCILER_DATABASE_URL": f"sqlite:///{folder}/api.db",
        "RECONCILER_CACHE_DIR": str(folder / "cache"),
        "RECONCILER_API_PEPPER": PEPPER.decode(),
        "RECONCILER_API_REQUESTS_PER_MINUTE": "99999999",
        "DATABASE": str(folder / "api.db"),
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, str(port)], cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _inserted(folder: Path, count: int) -> float:
    """Rows like tasks, each committed as durably as ours are."""
    connection = sqlite3.connect(folder / "api.db", isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    columns = "id, agent, kind, type, type_version, state, input, settings, submitted_at, not_before, token, attempts,"
    sql = (
        f"INSERT INTO tasks ({columns} max_attempts, revision, manifest_digest, prompt_digest, model, tokens, origin,"
        " actor) VALUES (?, 'my-notes', 'dynamic', 'notes', '', 'pending', ?, '{}', ?, ?, 0, 0, 3, 0, '', '', '', 0,"
        " 'api', 'app')"
    )
    began = time.perf_counter()
    for _ in range(count):
        at = "2026-11-24T19:00:00.000000Z"
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(sql, (new_task_id(), '{"text":"remember"}', at, at))
        connection.execute("COMMIT")
    return time.perf_counter() - began


if __name__ == "__main__":
    main()

"""The evening: what was promised, and whether it was kept. Each check gives the promises that were broken, in words."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

import psycopg

from reconciler.database.connection import Connection
from tests.faults.day.residents import Resident, Sample
from tests.faults.day.written import CANARY

MEMORY_ROOM, FILES_ROOM = 0.15, 48
"""By which share of its memory, and how many open files, a process may have grown from the second quarter of its day to
the last: what a cache and a busy moment take. Sixteen idle connections to a SQLite file are 48 open files."""
LEAST_MEMORY_ROOM = 16 * 2**20


def rows(db: Connection, promised: dict[int, str]) -> list[str]:
    """Each task that was promised has ended well, once, with its one letter and one stroke; nothing else has rows."""
    tasks = {id_: (state, code) for id_, state, code in db.execute("SELECT id, state, error_code FROM tasks")}
    letters = db.execute("SELECT task_id, id, number FROM letters__letter WHERE deleted_at IS NULL")
    strokes = Counter(letter for (letter,) in db.execute("SELECT letter FROM letters__stroke"))
    numbers = Counter(int(number) for _, _, number in letters)
    owners = Counter(task for task, _, _ in letters)
    broken = [f"task {id_} of number {n} is lost" for n, id_ in promised.items() if id_ not in tasks]
    broken += [
        f"task {id_} has {state}: {code}" for id_, (state, code) in tasks.items() if state != "succeeded"
    ]
    broken += [f"number {number} is there {count} times" for number, count in numbers.items() if count != 1]
    broken += [f"task {id_} has no row" for id_ in tasks if owners[id_] == 0]
    broken += [f"a row of {id_}, which is no task" for id_ in owners if id_ not in tasks]
    broken += [f"number {number} has no row" for number in promised if numbers[number] == 0]
    broken += [f"letter {id_} has {strokes[id_]} strokes" for _, id_, _ in letters if strokes[id_] != 1]
    return broken


def revisions(db: Connection) -> list[str]:
    """None is unfinished, and no two wrote at once."""
    unfinished = db.execute("SELECT number FROM revisions WHERE finished_at IS NULL AND state = 'running'")
    overlapping = db.execute(
        "SELECT a.number, b.number FROM revisions a JOIN revisions b ON b.number = a.number + 1"
        " WHERE a.finished_at IS NOT NULL AND a.state <> 'interrupted' AND b.started_at < a.finished_at"
    )
    return [f"revision {n} was never finished" for (n,) in unfinished] + [
        f"revisions {a} and {b} were applied at once" for a, b in overlapping
    ]


def secrets(found: Iterable[tuple[str, str | bytes]], more: Sequence[str]) -> list[str]:
    """None of the day's secrets is in any of these texts, each given with where it is from."""
    broken = []
    for place, text in found:
        data = text.encode() if isinstance(text, str) else text
        for secret in (CANARY, *more):
            at = data.find(secret.encode())
            if at >= 0:
                around = data[max(0, at - 60) : at + 60].decode(errors="replace")
                broken.append(f"a secret is in {place}: …{around!r}…")
                break
    return broken


def texts_of_database(url: str) -> list[tuple[str, bytes]]:
    """All that is in it, as it is stored."""
    if url.startswith("sqlite"):
        file = Path(url.removeprefix("sqlite:///"))
        with sqlite3.connect(file) as connection:
            dump = "\n".join(connection.iterdump()).encode()
        return [
            ("the dump", dump),
            *((path.name, path.read_bytes()) for path in file.parent.glob(f"{file.name}*")),
        ]
    found = []
    with psycopg.connect(url) as server:
        tables = server.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for (table,) in tables:
            lines = server.execute(f"SELECT t::text FROM {table} t").fetchall()  # type: ignore[call-overload]
            found.append((table, "\n".join(line for (line,) in lines).encode()))
    return found


def logs(residents: Iterable[Resident]) -> list[str]:
    """Nobody ended by itself, and nobody told an error by a traceback."""
    broken = []
    for resident in residents:
        broken += [f"{resident.name} {how}" for how in resident.fallen]
        told = resident.log.read_text(errors="replace") if resident.log.exists() else ""
        for line in told.splitlines():
            # Celery tells in this way that a process of its own was killed, which it was.
            if "Traceback (most recent call last)" in line and '"logger": "celery.' not in line:
                broken.append(f"{resident.name} told a traceback: {line[:200]} … {line[-1200:]}")
                break
    return broken


def flat(resident: Resident, length: float) -> list[str]:
    """Neither memory nor open files have grown since it had warmed up."""
    early = [one for one in resident.samples if length / 4 <= one.at < length / 2]
    late = [one for one in resident.samples if one.at >= length * 3 / 4]
    if not early or not late:
        return [f"{resident.name} was not there to be measured"]
    before, after = median(one.memory for one in early), median(one.memory for one in late)
    broken = []
    if after > before + max(before * MEMORY_ROOM, LEAST_MEMORY_ROOM):
        broken.append(f"{resident.name} grew from {before / 2**20:.0f} to {after / 2**20:.0f} MiB")
    files = median(one.files for one in early), median(one.files for one in late)
    if files[1] > files[0] + FILES_ROOM:
        broken.append(f"{resident.name} had {files[0]:.0f} files open, later {files[1]:.0f}")
    return broken


def course(samples: Sequence[Sample]) -> str:
    """Memory and open files at four times of the day, for the report."""
    if not samples:
        return "not measured"
    picked = [samples[round(part * (len(samples) - 1))] for part in (0.25, 0.5, 0.75, 1)]
    memory = " ".join(f"{one.memory / 2**20:.0f}" for one in picked)
    return f"{memory} MiB, {' '.join(str(one.files) for one in picked)} files"

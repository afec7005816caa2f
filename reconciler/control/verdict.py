"""What is remembered of the last plan that found nothing to do, so that the next one need not look again.

A verdict holds for one desired digest and one stamp of the database; either moving makes it worthless. It is
a hint in the user's cache folder: lost, broken or unwritable, it only costs time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.plans.plan import PLANNER

if TYPE_CHECKING:
    from reconciler.database.connection import Connection


@dataclass(frozen=True, slots=True)
class Verdict:
    """`stamp` identifies everything the plan saw in the database; `observed` is the fingerprint its id was
    made from."""

    desired: str
    stamp: str
    observed: str
    planner: str = PLANNER


def read(folder: Path, source: str, database: str) -> Verdict | None:
    try:
        return Verdict(**json.loads(_file(folder, source, database).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def write(folder: Path, source: str, database: str, verdict: Verdict) -> None:
    file = _file(folder, source, database)
    temporary = file.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(asdict(verdict)))
        temporary.replace(file)


def stamp_of(connection: Connection) -> str:
    """Moves whenever the schema or the catalog does, or another file takes the database's place. Empty where there is
    no catalog."""
    from reconciler.database.failures import NotThere
    from reconciler.database.fingerprint import fingerprint, generation

    inode = ""
    if connection.dialect == "sqlite":
        with contextlib.suppress(OSError):
            inode = str(Path(connection.identity).stat().st_ino)
    try:
        return f"{connection.identity} {inode} {fingerprint(connection)} {generation(connection)}"
    except NotThere:
        return ""


def _file(folder: Path, source: str, database: str) -> Path:
    name = hashlib.sha256(f"{source}\n{database}".encode()).hexdigest()[:24]
    return folder / f"verdict-{name}.json"

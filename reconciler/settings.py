"""RECONCILER_* environment -> frozen Settings. Read once per process, by whoever starts it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import UsageError

DEFAULT_SOURCE = "agents.d"
DEFAULT_DATABASE = "sqlite:///reconciler.db"


@dataclass(frozen=True, slots=True)
class Settings:
    source: str = DEFAULT_SOURCE
    database: str = DEFAULT_DATABASE
    cache: Path | None = None
    """Folder of the manifest cache; None: the user's cache folder."""
    actor: str = ""
    """Who is recorded in revisions and audit; empty: the login name."""
    large_table_rows: int = 100_000
    """From this many rows on, PostgreSQL tables are changed in online phases."""
    lock_timeout: float = 5.0
    """Seconds a statement waits for a lock before it backs off."""
    lease_seconds: float = 30.0
    """For how long an apply that was stopped, but is not provably dead, keeps others out."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        env = os.environ if environ is None else environ
        cache = env.get("RECONCILER_CACHE_DIR")
        return cls(
            source=env.get("RECONCILER_SOURCE") or DEFAULT_SOURCE,
            database=env.get("RECONCILER_DATABASE_URL") or DEFAULT_DATABASE,
            cache=Path(cache) if cache else None,
            actor=env.get("RECONCILER_ACTOR", ""),
            large_table_rows=_number(env, "RECONCILER_LARGE_TABLE_ROWS", 100_000),
            lock_timeout=float(_number(env, "RECONCILER_LOCK_TIMEOUT", 5)),
            lease_seconds=float(_number(env, "RECONCILER_LEASE_SECONDS", 30)),
        )


def _number(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, "")
    if not text:
        return default
    if not re.fullmatch("[0-9]{1,9}", text):
        raise UsageError(
            f"{name} is {text[:40]!r}, not a whole number", hint=f"unset {name} or give it a number"
        )
    return int(text)

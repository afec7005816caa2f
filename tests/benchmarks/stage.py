"""Where contests are held: sizes, folders, manifests, databases, and how our program is called there."""

from __future__ import annotations

import random
import shutil
import sys
import time
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Literal

from tests.benchmarks.contest import Contender
from tests.benchmarks.generate import plan_types, write_manifests
from tests.benchmarks.postgres import Postgres
from tests.benchmarks.racing import run

Dialect = Literal["sqlite", "postgresql"]

SEED = 1
SETTLING = 2.5
"""Seconds until a manifest's times are old enough to be trusted."""


@dataclass(frozen=True)
class Sizes:
    """`types` and `agents` are the manifests of a large source; `tables` those that peers are given too; `many` the
    types of a source that belongs on PostgreSQL."""

    types: int = 1000
    agents: int = 9000
    tables: int = 1000
    many: int = 10_000


@dataclass
class Stage:
    """`folder` is for what is thrown away, `peers` keeps what was installed."""

    folder: Path
    peers: Path
    sizes: Sizes
    postgres: Postgres
    _made: dict[str, Path] = field(default_factory=dict)
    _applied: dict[str, str] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=count)

    def new_folder(self, name: str) -> Path:
        made = self.folder / f"{name}-{next(self._numbers)}"
        made.mkdir()
        return made

    def new_database(self, dialect: Dialect) -> str:
        """The URL of an empty database; on SQLite of a file that is not there. Raises PeerMissingError."""
        if dialect == "postgresql":
            return self.postgres.new()
        return f"sqlite:///{self.folder}/database{next(self._numbers)}.db"

    def renew(self, url: str) -> None:
        """Empties a database that `new_database` gave."""
        if url.startswith("postgresql"):
            self.postgres.renew(url)
            return
        for suffix in ("", "-wal", "-shm"):
            Path(url.removeprefix("sqlite:///") + suffix).unlink(missing_ok=True)

    # --- sources ------------------------------------------------------------------------------

    def large_source(self) -> Path:
        return self._source("large", self.sizes.types, self.sizes.agents)

    def types_only(self) -> Path:
        """As many types as the large source has."""
        return self._source("types", self.sizes.types, 0)

    def many_types(self) -> Path:
        return self._source("many", self.sizes.many, 0)

    def tables_source(self) -> Path:
        """Types of about `sizes.tables` tables: the first few that have as many."""
        types = tables = 0
        for plan in plan_types(self.sizes.tables, random.Random(SEED)):
            if tables >= self.sizes.tables:
                break
            types, tables = types + 1, tables + 1 + plan.with_items
        return self._source("tables", types, 0)

    def _source(self, name: str, types: int, agents: int) -> Path:
        if name not in self._made:
            self._made[name] = self.new_folder(name)
            write_manifests(self._made[name], types, agents, SEED)
        return self._made[name]

    # --- our program --------------------------------------------------------------------------

    def ours(self, source: Path, database: str, *arguments: str, cache: Path | None = None) -> Contender:
        """`reconcile` with these arguments; without a `cache` of its own, with one that lives as long as the
        stage."""
        return Contender(
            "reconcile " + " ".join(arguments),
            (reconcile(), "--source", str(source), "--database", database, *arguments),
            folder=self.folder,
            environment={"RECONCILER_CACHE_DIR": str(cache or self.folder / "cache")},
        )

    def applied(self, source: Path, dialect: Dialect) -> str:
        """The URL of a database to which the source was applied, once for all contests."""
        key = f"{source} {dialect}"
        if key not in self._applied:
            url = self.new_database(dialect)
            run(self.ours(source, url, "--apply", "--yes"))
            self._applied[key] = url
        return self._applied[key]

    def warm_plan(self, source: Path, dialect: Dialect) -> Contender:
        """A plan that finds nothing to do, planned often enough before for everything to be known."""
        url = self.applied(source, dialect)
        plan = replace(self.ours(source, url, "--plan"), says="Plan: 0 to add, 0 to change, 0 to destroy.")
        run(plan)
        time.sleep(SETTLING)
        run(plan)
        return plan


def reconcile() -> str:
    """The command as installed beside this interpreter."""
    found = shutil.which("reconcile", path=str(Path(sys.executable).parent))
    if found is None:
        raise SystemExit("reconcile is not installed beside this interpreter: pip install -e .")
    return found


def python(program: str, *arguments: str) -> Contender:
    """One of the programs of this package that import the product."""
    return Contender(program, (sys.executable, "-m", f"tests.benchmarks.{program}", *arguments))


def script(program: str, *arguments: str) -> Contender:
    """One of the programs of this package that import nothing of it, and are as lean as they can be."""
    return Contender(program, (sys.executable, "-I", str(Path(__file__).with_name(program)), *arguments))

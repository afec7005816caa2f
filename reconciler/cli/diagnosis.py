"""Checks of everything a reconcile needs, each on its own: one that fails stops no other."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.settings import Settings

Verdict = Literal["ok", "warning", "failed"]

SUPPORTED_PYTHON = ((3, 11), (3, 14))
"""The oldest version that will do, and the first that nobody has tried."""

OLDEST_SQLITE = (3, 35, 0)
"""The first with RETURNING and DROP COLUMN."""

PACKAGES = ("alembic", "click", "cronsim", "pydantic", "pyyaml", "sqlalchemy")


@dataclass(frozen=True, slots=True)
class Finding:
    """`hint` says what to do about a verdict other than ok."""

    name: str
    verdict: Verdict
    detail: str
    hint: str = ""


def diagnose(settings: Settings) -> Iterator[Finding]:
    for name, check in _CHECKS.items():
        try:
            yield check(name, settings)
        except ReconcilerError as error:
            yield Finding(name, "failed", error.message, error.hint)
        except Exception as error:
            yield Finding(name, "failed", f"{type(error).__name__}: {error}")


def _python(name: str, settings: Settings) -> Finding:
    (oldest, untried), version = SUPPORTED_PYTHON, sys.version_info
    detail = f"{version.major}.{version.minor}.{version.micro} at {sys.executable}"
    if version[:2] < oldest:
        return Finding(name, "failed", detail, f"install Python {oldest[0]}.{oldest[1]} or newer")
    if version[:2] >= untried:
        return Finding(name, "warning", detail, f"Python before {untried[0]}.{untried[1]} is what is tested")
    return Finding(name, "ok", detail)


def _sqlite(name: str, settings: Settings) -> Finding:
    import sqlite3

    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        wanted = ".".join(map(str, OLDEST_SQLITE))
        return Finding(
            name, "failed", sqlite3.sqlite_version, f"a Python built with SQLite {wanted} or newer"
        )
    return Finding(name, "ok", sqlite3.sqlite_version)


def _yaml(name: str, settings: Settings) -> Finding:
    import yaml

    if not yaml.__with_libyaml__:
        hint = "install a PyYAML built with libyaml; without it reading takes many times longer"
        return Finding(name, "warning", f"PyYAML {yaml.__version__} without the C parser", hint)
    return Finding(name, "ok", f"PyYAML {yaml.__version__} with the C parser")


def _packages(name: str, settings: Settings) -> Finding:
    from importlib.metadata import PackageNotFoundError, version

    needed = [*PACKAGES, *(["psycopg"] if settings.database.startswith("postgresql") else [])]
    found, missing = [], []
    for package in needed:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        extra = "[postgres]" if "psycopg" in missing else ""
        return Finding(name, "failed", f"missing: {', '.join(missing)}", f"pip install 'reconciler{extra}'")
    return Finding(name, "ok", ", ".join(found))


def _cache(name: str, settings: Settings) -> Finding:
    from reconciler.manifests.cache import cache_folder

    folder = cache_folder(settings.cache)
    # The folder is made when first used: until then its nearest parent must allow that.
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        hint = "set RECONCILER_CACHE_DIR to a folder of yours; without a cache every plan reads all manifests"
        return Finding(name, "warning", f"{folder} cannot be written", hint)
    return Finding(name, "ok", str(folder))


def _source(name: str, settings: Settings) -> Finding:
    folder = Path(settings.source)
    if not folder.is_dir():
        return Finding(
            name, "failed", f"no folder {settings.source}", "reconcile init, or name it by --source"
        )
    if not os.access(folder, os.R_OK | os.X_OK):
        return Finding(name, "failed", f"{settings.source} cannot be read", "check its permissions")
    files = sum(path.suffix in (".yaml", ".yml") for path in folder.rglob("*"))
    if not files:
        return Finding(name, "warning", f"{settings.source} holds no manifests", "reconcile init")
    return Finding(name, "ok", f"{settings.source}, {files:,} file{'' if files == 1 else 's'}")


def _database(name: str, settings: Settings) -> Finding:
    from reconciler.database.connection import connect, database_exists, masked

    shown = masked(settings.database)
    if not database_exists(settings.database):
        return Finding(name, "warning", f"{shown} is not there yet", "the first reconcile --apply makes it")
    with connect(settings.database, create=False) as connection:
        if connection.dialect == "sqlite":
            (answer,) = connection.execute("PRAGMA quick_check(1)")
            if answer[0] != "ok":
                return Finding(name, "failed", f"{shown} is damaged: {answer[0]}", "restore it from a backup")
            return Finding(name, "ok", shown)
        ((version,),) = connection.execute("SHOW server_version")
        return Finding(name, "ok", f"{shown}, PostgreSQL {version}")


def _catalog(name: str, settings: Settings) -> Finding:
    from reconciler.database.connection import connect, database_exists
    from reconciler.database.upgrade import CATALOG_VERSION, catalog_version

    if not database_exists(settings.database):
        return Finding(name, "ok", "none yet")
    with connect(settings.database, create=False) as connection:
        version = catalog_version(connection)
    if version is None:
        return Finding(name, "ok", "none yet")
    detail = f"version {version}, this program knows {CATALOG_VERSION}"
    if version > CATALOG_VERSION:
        return Finding(name, "failed", detail, "install the newer reconciler that upgraded it")
    if version < CATALOG_VERSION:
        return Finding(name, "warning", detail, "the next reconcile --apply upgrades it")
    return Finding(name, "ok", f"version {version}")


def _keys(name: str, settings: Settings) -> Finding:
    from reconciler.database.encryption import Keyring, cipher_of

    cipher = cipher_of(settings.encryption_keys, settings.encryption_keys_file)
    if not isinstance(cipher, Keyring):
        return Finding(name, "ok", "none; fields that are `encrypted` cannot be written")
    return Finding(name, "ok", ", ".join(cipher.names))


def _policy(name: str, settings: Settings) -> Finding:
    from reconciler.manifests.pinned import Pinned

    if not settings.policy:
        return Finding(name, "ok", "none pinned")
    names = ", ".join(policy.name for policy in Pinned(settings.policy).policies)
    return Finding(name, "ok", f"{names}, pinned by {settings.policy}")


def _git(name: str, settings: Settings) -> Finding:
    import shutil
    import subprocess

    program = shutil.which("git")
    if program is None:
        return Finding(name, "warning", "not installed", "needed only for proposals and sources in git")
    told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)
    return Finding(name, "ok", told.stdout.strip().removeprefix("git version "))


def _sandbox(name: str, settings: Settings) -> Finding:
    from reconciler.execution.sandbox import SandboxLevel, protection

    found = protection()
    if found.level is SandboxLevel.FILES:
        return Finding(name, "ok", f"{found.level}: {found}")
    hint = "a Linux kernel of 5.13 or newer, with Landlock and seccomp, also keeps tasks from files and processes"
    return Finding(name, "warning", f"{found.level}: {found}", hint)


_CHECKS: dict[str, Callable[[str, Settings], Finding]] = {
    "python": _python,
    "sqlite": _sqlite,
    "yaml": _yaml,
    "packages": _packages,
    "cache": _cache,
    "source": _source,
    "database": _database,
    "catalog": _catalog,
    "git": _git,
    "sandbox": _sandbox,
    "keys": _keys,
    "policy": _policy,
}

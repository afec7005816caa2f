"""RECONCILER_* environment -> frozen Settings. Read once per process, by whoever starts it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.errors import UsageError

DEFAULT_SOURCE = "agents.d"
DEFAULT_DATABASE = "sqlite:///reconciler.db"
DEFAULT_OLLAMA = "http://127.0.0.1:11434"
DEFAULT_BROKER = "redis://127.0.0.1:6379/0"
LOG_FORMATS = ("console", "json")


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
    archive_retention: float | None = None
    """Seconds from when something is parked until `archive purge --expired` may delete it; None: only a hand does."""
    ollama_url: str = DEFAULT_OLLAMA
    ollama_api_key: str = field(default="", repr=False)
    """Of an Ollama server that asks for one."""
    builder_model: str = ""
    """The language model that listens in the builder; empty: any there is."""
    builder_temperature: float = 0.0
    builder_context: int = 8192
    """Tokens that it is given room for."""
    builder_timeout: float = 60.0
    """Seconds that one answer of it may take."""
    egress_private: tuple[str, ...] = ()
    """Networks that agents may reach besides the public ones, such as 10.1.0.0/16."""
    egress_certificates: str = ""
    """File of PEM certificates that agents trust besides the system's."""
    broker_url: str = DEFAULT_BROKER
    """Redis or RabbitMQ, for workers of the executor `celery`."""
    redis_url: str = field(default="", repr=False)
    """Redis that counts calls of tools; empty: the database does."""
    claim_seconds: float = 30.0
    """For how long a task that was claimed is left to a worker that does not say that it still runs it."""
    log_format: str = ""
    """Of workers and servers: `console` or `json`; empty: for a terminal `console`, else `json`."""
    encryption_keys: str = field(default="", repr=False)
    """Keys of encrypted fields, `id:base64` with commas between them, the newest first."""
    encryption_keys_file: str = ""
    """Or the file that holds them, one a line."""
    policy: str = ""
    """File with policies that hold besides those of the source, whoever writes that."""

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
            archive_retention=_retention(env, "RECONCILER_ARCHIVE_RETENTION"),
            ollama_url=_ollama_url(env),
            ollama_api_key=env.get("RECONCILER_OLLAMA_API_KEY") or env.get("OLLAMA_API_KEY", ""),
            builder_model=env.get("RECONCILER_BUILDER_MODEL", ""),
            builder_temperature=_temperature(env, "RECONCILER_BUILDER_TEMPERATURE"),
            builder_context=_number(env, "RECONCILER_BUILDER_CONTEXT", 8192) or 8192,
            builder_timeout=float(_number(env, "RECONCILER_BUILDER_TIMEOUT", 60) or 1),
            egress_private=_networks(env, "RECONCILER_EGRESS_PRIVATE"),
            egress_certificates=_file(env, "RECONCILER_EGRESS_CERTIFICATES"),
            broker_url=env.get("RECONCILER_BROKER_URL") or DEFAULT_BROKER,
            redis_url=env.get("RECONCILER_REDIS_URL", ""),
            claim_seconds=float(_number(env, "RECONCILER_CLAIM_SECONDS", 30) or 1),
            log_format=_one_of(env, "RECONCILER_LOG_FORMAT", LOG_FORMATS),
            encryption_keys=env.get("RECONCILER_ENCRYPTION_KEYS", ""),
            policy=env.get("RECONCILER_POLICY", ""),
            encryption_keys_file=env.get("RECONCILER_ENCRYPTION_KEYS_FILE", ""),
        )


def _ollama_url(env: Mapping[str, str]) -> str:
    """OLLAMA_HOST is what Ollama's own programs go by; it may lack the scheme, and names 0.0.0.0 to a server."""
    named = env.get("RECONCILER_OLLAMA_URL") or env.get("OLLAMA_HOST") or DEFAULT_OLLAMA
    url = named if "://" in named else f"http://{named}"
    scheme, _, rest = url.partition("://")
    host, colon, port = rest.partition(":")
    if host == "0.0.0.0":  # to be connected to, it means this machine
        rest = f"127.0.0.1{colon}{port}"
    return f"{scheme}://{rest}"


def _networks(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    import ipaddress

    found = tuple(part.strip() for part in env.get(name, "").split(",") if part.strip())
    for text in found:
        try:
            ipaddress.ip_network(text)
        except ValueError:
            raise UsageError(
                f"{name} names {text[:60]!r}, which is no network",
                hint="write networks like 10.1.0.0/16, with commas between them",
            ) from None
    return found


def _file(env: Mapping[str, str], name: str) -> str:
    path = env.get(name, "")
    if path and not Path(path).is_file():
        raise UsageError(f"{name} names {path[:200]!r}, and there is no such file")
    return path


def _one_of(env: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    text = env.get(name, "")
    if text and text not in known:
        raise UsageError(f"{name} is {text[:40]!r}", hint=f"it is one of {', '.join(known)}, or unset")
    return text


_UNITS = {"h": 3_600, "d": 86_400, "w": 604_800}


def _retention(env: Mapping[str, str], name: str) -> float | None:
    text = env.get(name, "")
    if not text:
        return None
    given = re.fullmatch("([1-9][0-9]{0,4})([hdw])", text)
    if given is None:
        raise UsageError(
            f"{name} is {text[:40]!r}, not a time", hint="write it in hours, days or weeks: 12h, 30d, 26w"
        )
    return float(int(given[1]) * _UNITS[given[2]])


def _temperature(env: Mapping[str, str], name: str) -> float:
    text = env.get(name, "")
    if text and not re.fullmatch(r"[01]|[01]\.[0-9]{1,3}|2(\.0)?", text):
        raise UsageError(f"{name} is {text[:40]!r}", hint="it is a number from 0 to 2, such as 0.2, or unset")
    return float(text or 0)


def _number(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, "")
    if not text:
        return default
    if not re.fullmatch("[0-9]{1,9}", text):
        raise UsageError(
            f"{name} is {text[:40]!r}, not a whole number", hint=f"unset {name} or give it a number"
        )
    return int(text)

"""RECONCILER_API_* environment -> frozen ServeConfig."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.errors import UsageError

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """`hosts` are the Host headers that are answered, `origins` those that browsers may call from. `behind_proxy`: a
    proxy terminates TLS in front, and its X-Forwarded-For is believed. `max_body` is in bytes, `timeout` in seconds."""

    host: str = "127.0.0.1"
    port: int = 8080
    hosts: tuple[str, ...] = LOOPBACK
    origins: tuple[str, ...] = ()
    behind_proxy: bool = False
    max_body: int = 4 * 2**20
    max_import: int = 2**30
    """Bytes of an export that is brought in."""
    timeout: float = 60.0
    access_log: bool = False
    """Every request gets a line of the log, not only those that failed or took long."""
    requests_per_minute: int = 6_000
    guesses_per_minute: int = 20
    """Wrong keys that one address may send before it has to wait."""
    pepper: bytes = field(default=b"", repr=False)
    forge: str = ""
    forge_api: str = ""
    webhook_secret: str = field(default="", repr=False)
    direct: bool = False
    """In git mode: commit onto the followed branch instead of proposing branches."""

    @property
    def loopback(self) -> bool:
        return self.host in LOOPBACK

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> ServeConfig:
        env = os.environ if environ is None else environ
        return cls(
            host=env.get("RECONCILER_API_HOST") or "127.0.0.1",
            port=_number(env, "RECONCILER_API_PORT", 8080),
            hosts=_list(env, "RECONCILER_API_HOSTS") or LOOPBACK,
            origins=_list(env, "RECONCILER_API_ORIGINS"),
            behind_proxy=env.get("RECONCILER_API_BEHIND_PROXY", "") == "1",
            timeout=float(_number(env, "RECONCILER_API_TIMEOUT", 60) or 1),
            access_log=env.get("RECONCILER_API_ACCESS_LOG", "") == "1",
            max_body=_number(env, "RECONCILER_API_MAX_BODY", 4 * 2**20),
            requests_per_minute=_number(env, "RECONCILER_API_REQUESTS_PER_MINUTE", 6_000),
            guesses_per_minute=_number(env, "RECONCILER_API_GUESSES_PER_MINUTE", 20),
            pepper=pepper_of(env),
            forge=env.get("RECONCILER_FORGE", ""),
            forge_api=env.get("RECONCILER_FORGE_API", ""),
            webhook_secret=env.get("RECONCILER_WEBHOOK_SECRET", ""),
            direct=env.get("RECONCILER_GIT_DIRECT", "") == "1",
        )


def pepper_of(environ: Mapping[str, str] | None = None) -> bytes:
    """What keys the hashes of API keys: from the environment, which several servers must share, or from a file of the
    user's that is made once. Raises UsageError."""
    env = os.environ if environ is None else environ
    given = env.get("RECONCILER_API_PEPPER")
    if given:
        return given.encode()
    base = Path(env.get("XDG_CONFIG_HOME") or Path(env.get("HOME") or Path.home()) / ".config")
    file = base / "reconciler" / "pepper"
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{file} cannot be made: {error.strerror}", hint="set RECONCILER_API_PEPPER to a long random text"
        ) from error
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(secrets.token_hex(32).encode())
    return file.read_bytes()


def _list(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in env.get(name, "").split(",") if part.strip())


def _number(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, "")
    if text and not re.fullmatch("[0-9]{1,9}", text):
        raise UsageError(
            f"{name} is {text[:40]!r}, not a whole number", hint=f"unset {name} or give it a number"
        )
    return int(text) if text else default

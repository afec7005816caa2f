"""The secrets that agents bind, read from where they bind them to when a task asks for one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

from reconciler.errors import Denied, Unavailable
from reconciler.spec.task import Blueprint

MAX_SECRET = 64 * 2**10
"""Bytes of a secret's file."""


class SecretStore:
    """(agent, name) -> value. Nothing is kept: a secret that was changed is the new one at once."""

    def __init__(
        self, blueprint: Callable[[str], Blueprint], environment: Mapping[str, str] | None = None
    ) -> None:
        self._blueprint = blueprint
        self._environment = os.environ if environment is None else environment

    def __call__(self, agent: str, name: str) -> str:
        """Raises Denied where the agent binds no such secret, Unavailable where there is nothing behind it."""
        source = _bindings(self._blueprint(agent).agent_text).get(name)
        if source is None:
            raise Denied(f"agent {agent} binds no secret `{name}`", hint=f"bind it in `secrets` of {agent}")
        if source.get("env"):
            return self._from_environment(agent, name, source["env"])
        return _from_file(agent, name, Path(source["file"]))

    def _from_environment(self, agent: str, name: str, variable: str) -> str:
        try:
            return self._environment[variable]
        except KeyError:
            raise Unavailable(
                f"secret `{name}` of agent {agent} is not there",
                hint=f"set {variable} where the worker is started",
            ) from None


def _from_file(agent: str, name: str, path: Path) -> str:
    """Without the line's end that editors leave behind it."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SECRET + 1)
        if len(data) > MAX_SECRET:
            raise Unavailable(f"secret `{name}` of agent {agent} has more than {MAX_SECRET:,} bytes")
        return data.decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Unavailable(
            f"secret `{name}` of agent {agent} cannot be read: {reason}", hint=f"see to the file {path}"
        ) from error


@lru_cache(256)
def _bindings(agent_text: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(agent_text)["spec"].get("secrets", {}) if agent_text else {}
    return found

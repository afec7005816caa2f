"""The parts that every manifest has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.builder.slots import Values
from reconciler.builder.templates.template import Document
from reconciler.spec.agent_type import API_VERSION

FIRST_VERSION = "1.0.0"
LIMITS = {"timeout": "90s", "memory": "256Mi", "cpu": "30s", "concurrency": 4}
"""Of every new type. A policy bounds them further; what somebody says in a conversation does not raise them."""


def type_document(name: str, spec: Mapping[str, Any]) -> Document:
    """`spec` without version and limits; what is empty in it is left out."""
    kept = {key: value for key, value in spec.items() if value not in (None, "", [], {})}
    return {
        "apiVersion": API_VERSION,
        "kind": "AgentType",
        "metadata": {"name": name},
        "spec": {"version": FIRST_VERSION, **_ordered({"limits": dict(LIMITS), **kept})},
    }


def agent_document(
    name: str,
    of: str,
    *,
    settings: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    schedule: str = "",
) -> Document:
    """`secrets` are environment variables by the name of the secret."""
    spec: dict[str, Any] = {"type": of}
    if settings:
        spec["settings"] = dict(settings)
    if secrets:
        spec["secrets"] = {secret: {"env": variable} for secret, variable in secrets.items()}
    if schedule:
        spec["schedule"] = schedule
    return {"apiVersion": API_VERSION, "kind": "Agent", "metadata": {"name": name}, "spec": spec}


def described(values: Values, otherwise: str) -> str:
    """What it is for: the first thousand characters of what was said."""
    return str(values.get("purpose") or otherwise)[:1000]


def title_of(name: str) -> str:
    return name.replace("-", " ").capitalize()


def optional(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The same fields, none of them required: for values that may not be found."""
    return {
        name: {key: value for key, value in spec.items() if key not in ("required", "default")}
        for name, spec in fields.items()
    }


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """The name, or with `own_` before it where it is taken."""
    return f"own_{wanted}"[:40] if wanted in set(taken) else wanted


_ORDER = (
    *("title", "description", "owner", "settings", "secrets", "input", "models", "output", "tools", "limits"),
    *("pipeline", "deletion_policy", "tests"),
)


def _ordered(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {key: spec[key] for key in _ORDER if key in spec}

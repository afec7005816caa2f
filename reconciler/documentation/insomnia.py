"""The requests of the API as an Insomnia 5 collection. The key is a variable, never a value."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from reconciler.documentation.endpoints import TASK, Endpoint, body_text, checked_base_url, folders
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType

TYPE = "collection.insomnia.rest/5.0"
NAME = "reconciler"
_TIME = 1_767_225_600_000
"""Insomnia wants times; always the same one keeps the file the same."""


def insomnia_collection(types: Sequence[AgentType], agents: Sequence[Agent], base_url: str) -> str:
    """YAML, in the same order."""
    import yaml

    found = [
        {
            "name": folder,
            "meta": _meta("fld", folder) | {"sortKey": -number},
            "children": [_request(endpoint, at) for at, endpoint in enumerate(endpoints)],
        }
        for number, (folder, endpoints) in enumerate(folders(types, agents).items())
    ]
    document = {
        "type": TYPE,
        "name": NAME,
        "meta": _meta("wrk", NAME) | {"description": ""},
        "collection": found,
        "cookieJar": {"name": "Default Jar", "meta": _meta("jar", NAME)},
        "environments": {
            "name": "Base Environment",
            "meta": _meta("env", NAME) | {"isPrivate": False},
            "data": {"base_url": checked_base_url(base_url), "api_key": "", "task_id": ""},
        },
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)


def _request(endpoint: Endpoint, number: int) -> dict[str, Any]:
    request: dict[str, Any] = {
        "url": "{{ _.base_url }}" + endpoint.filled_path.replace(TASK, "{{ _.task_id }}"),
        "name": endpoint.summary,
        "meta": _meta("req", f"{endpoint.folder}/{number}")
        | {"description": endpoint.summary, "isPrivate": False, "sortKey": -number},
        "method": endpoint.method,
        "headers": [{"name": "Accept", "value": "application/json"}],
    }
    if endpoint.body:
        request["body"] = {"mimeType": "application/json", "text": body_text(endpoint)}
        request["headers"].append({"name": "Content-Type", "value": "application/json"})
    if endpoint.query:
        request["parameters"] = [
            {"name": parameter.name, "value": parameter.example, "disabled": not parameter.example}
            for parameter in endpoint.query
        ]
    if endpoint.needs_key:
        request["authentication"] = {"type": "bearer", "token": "{{ _.api_key }}"}
    return request


def _meta(kind: str, name: str) -> dict[str, Any]:
    digest = hashlib.sha256(f"{kind}/{name}".encode()).hexdigest()[:32]
    return {"id": f"{kind}_{digest}", "created": _TIME, "modified": _TIME}

"""The requests of the API as a Postman collection, version 2.1. The key is a variable, never a value."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from reconciler.documentation.endpoints import Endpoint, body_text, checked_base_url, folders
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
NAME = "reconciler"


def postman_collection(types: Sequence[AgentType], agents: Sequence[Agent], base_url: str) -> dict[str, Any]:
    """A folder per noun and agent. Each request checks that its answer has the status that is documented."""
    return {
        "info": {"name": NAME, "_postman_id": str(uuid.uuid5(uuid.NAMESPACE_URL, SCHEMA)), "schema": SCHEMA},
        "auth": {
            "type": "bearer",
            "bearer": [{"key": "token", "value": "{{api_key}}", "type": "string"}],
        },
        "variable": [
            {"key": "base_url", "value": checked_base_url(base_url), "type": "string"},
            {"key": "api_key", "value": "", "type": "string"},
            {"key": "task_id", "value": "", "type": "string"},
        ],
        "item": [
            {"name": folder, "item": [_item(endpoint) for endpoint in endpoints]}
            for folder, endpoints in folders(types, agents).items()
        ],
    }


def _item(endpoint: Endpoint) -> dict[str, Any]:
    path = endpoint.filled_path.lstrip("/")
    query = [
        {"key": parameter.name, "value": parameter.example, "disabled": not parameter.example}
        for parameter in endpoint.query
    ]
    shown = "&".join(f"{entry['key']}={entry['value']}" for entry in query if not entry["disabled"])
    request: dict[str, Any] = {
        "method": endpoint.method,
        "header": [{"key": "Accept", "value": "application/json"}],
        "description": endpoint.summary,
        "url": {
            "raw": f"{{{{base_url}}}}/{path}" + (f"?{shown}" if shown else ""),
            "host": ["{{base_url}}"],
            "path": path.split("/"),
        }
        | ({"query": query} if query else {}),
    }
    if not endpoint.needs_key:
        request["auth"] = {"type": "noauth"}
    if endpoint.body:
        request["header"].append({"key": "Content-Type", "value": "application/json"})
        request["body"] = {
            "mode": "raw",
            "raw": body_text(endpoint),
            "options": {"raw": {"language": "json"}},
        }
    script = [
        f'pm.test("answers with {endpoint.status}", () => pm.response.to.have.status({endpoint.status}));'
    ]
    if endpoint.answer == "SubmittedTask":
        script.append('pm.collectionVariables.set("task_id", pm.response.json().id);')
    return {
        "name": endpoint.summary,
        "request": request,
        "response": [],
        "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": script}}],
    }

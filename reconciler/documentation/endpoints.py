"""The requests that the API answers, told once: for OpenAPI, for collections and for examples.

`FIXED` are the same everywhere; `endpoints_of` adds those of each agent, with its type's own schemas and an example.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from reconciler.documentation.mock.objects import NoMockError, example_input
from reconciler.documentation.mock.rows import mock_rows
from reconciler.documentation.typescript.naming import pascal
from reconciler.errors import UsageError
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType

Method = Literal["GET", "POST", "PUT", "DELETE"]


TASK = "{{task_id}}"
"""Stands for the task that was submitted last, where a program can fill it in."""


@dataclass(frozen=True, slots=True)
class QueryParameter:
    """`example` is empty where a request shown to somebody should not have it."""

    name: str
    description: str
    example: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`path` has parameters in braces, `path_values` an example of each. `body` and `answer` name schemas of the
    OpenAPI document; `body_example` and `answer_example` fit them, None where there is none."""

    method: Method
    path: str
    operation: str
    summary: str
    folder: str
    path_values: Mapping[str, str] = field(default_factory=dict)
    query: tuple[QueryParameter, ...] = ()
    body: str = ""
    body_example: Any = None
    status: int = 200
    answer: str = "Object"
    answer_example: Any = None
    needs_key: bool = True

    @property
    def filled_path(self) -> str:
        path = self.path
        for name, value in self.path_values.items():
            path = path.replace(f"{{{name}}}", value)
        return path


def checked_base_url(text: str) -> str:
    """An address that can stand in any language's quotes. Raises UsageError."""
    if not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]_-]+(/[A-Za-z0-9._~/-]*)?", text):
        raise UsageError(
            f"{text[:100]!r} is no address of an API", hint="write it as https://agents.example.com"
        )
    return text.rstrip("/")


_PAGE = (
    QueryParameter("limit", "Items of one page at most.", "50"),
    QueryParameter("cursor", "The `next` of the page before."),
)


def _read(path: str, operation: str, summary: str, folder: str, **more: Any) -> Endpoint:
    return Endpoint("GET", path, operation, summary, folder, **more)


def _list(path: str, operation: str, summary: str, folder: str) -> Endpoint:
    return _read(path, operation, summary, folder, query=_PAGE, answer="Page")


FIXED: tuple[Endpoint, ...] = (
    _read("/livez", "get_liveness", "Whether the process answers.", "Health", needs_key=False),
    _read("/readyz", "get_readiness", "Whether the database answers.", "Health", needs_key=False),
    _read("/api/v1/status", "get_status", "Where things stand, object by object.", "Reconciling"),
    _read("/api/v1/plan", "get_plan", "What would change.", "Reconciling"),
    _read("/api/v1/drift", "list_drift", "What others changed.", "Reconciling"),
    _list("/api/v1/revisions", "list_revisions", "What was applied, newest first.", "Reconciling"),
    _list("/api/v1/archives", "list_archives", "What is parked instead of destroyed.", "Reconciling"),
    _list("/api/v1/operations", "list_operations", "Long work that was asked for.", "Reconciling"),
    _list("/api/v1/agent-types", "list_agent_types", "All types.", "Types"),
    _list("/api/v1/agents", "list_agents", "All agents.", "Agents"),
    _list("/api/v1/tasks", "list_tasks", "Tasks, newest first.", "Tasks"),
    _read("/api/v1/tools", "list_tools", "What steps can call.", "Catalog"),
    _read("/api/v1/policies", "list_policies", "What any type may ask for at most.", "Catalog"),
    _read("/api/v1/schemas/manifest", "get_manifest_schema", "JSON Schema of manifests.", "Catalog"),
    _read(
        "/api/v1/docs/agent-creation", "get_agent_creation_guide", "How to write an agent.", "Documentation"
    ),
    _read("/api/v1/docs/examples", "get_examples", "Worked examples of all types.", "Documentation"),
    _read(
        "/api/v1/docs/frontend-integration", "get_frontend_integration", "The SDK in use.", "Documentation"
    ),
    _read(
        "/api/v1/docs/openapi.json", "get_types_openapi", "OpenAPI with each type's schemas.", "Documentation"
    ),
    _list("/api/v1/incidents", "list_incidents", "What tasks did that no task should.", "Oversight"),
)

_QUERY = (
    QueryParameter("sort", "Fields to sort by, separated by commas; `-` before one sorts downwards.", "-id"),
    QueryParameter("fields", "Fields to give, separated by commas; else all."),
    QueryParameter("include", "References whose rows come along, separated by commas."),
    *_PAGE,
)


def endpoints_of(types: Sequence[AgentType], agents: Sequence[Agent]) -> list[Endpoint]:
    """Of every agent of these types; a type without an agent is shown with one named as it."""
    found: list[Endpoint] = []
    for agent_type in types:
        found += _of_type(agent_type)
        names = [agent.name for agent in agents if agent.spec.type == agent_type.name]
        for name in names or [agent_type.name]:
            found += _of_agent(agent_type, name)
    return found


def all_endpoints(types: Sequence[AgentType], agents: Sequence[Agent]) -> list[Endpoint]:
    return [*FIXED, *endpoints_of(types, agents)]


def folders(types: Sequence[AgentType], agents: Sequence[Agent]) -> dict[str, list[Endpoint]]:
    """The same, by the folder that each is found in."""
    found: dict[str, list[Endpoint]] = {}
    for endpoint in all_endpoints(types, agents):
        found.setdefault(endpoint.folder, []).append(endpoint)
    return found


def body_text(endpoint: Endpoint) -> str:
    """The example of its body. What programs with variables would fill in is escaped; outside of texts no two braces
    meet."""
    text = json.dumps(endpoint.body_example or {}, indent=2, ensure_ascii=False)
    return text.replace("{{", "{\\u007b").replace("{%", "{\\u0025")


def _of_type(agent_type: AgentType) -> list[Endpoint]:
    name, suffix, folder = agent_type.name, agent_type.name.replace("-", "_"), f"Type {agent_type.name}"
    path = f"/api/v1/agent-types/{name}"
    return [
        _read(path, f"get_agent_type__{suffix}", f"What {name} is.", folder),
        _read(f"{path}/documentation", f"get_documentation__{suffix}", f"The page of {name}.", folder),
        _read(f"{path}/versions", f"list_versions__{suffix}", f"All versions of {name}.", folder),
    ]


def _of_agent(agent_type: AgentType, agent: str) -> list[Endpoint]:
    prefix, suffix = pascal(agent_type.name), agent.replace("-", "_")
    folder = f"Agent {agent}"
    found = [
        Endpoint("GET", f"/api/v1/agents/{agent}", f"get_agent__{suffix}", f"What {agent} is.", folder),
        Endpoint(
            "POST",
            f"/api/v1/agents/{agent}/tasks",
            f"submit_task__{suffix}",
            f"Gives {agent} a task.",
            folder,
            body=f"{prefix}TaskRequest",
            body_example=_task_example(agent_type),
            status=202,
            answer="SubmittedTask",
        ),
        Endpoint(
            "GET",
            "/api/v1/tasks/{id}",
            "get_task",
            f"What became of a task of {agent}.",
            folder,
            path_values={"id": TASK},
            answer="Task",
        ),
    ]
    if agent_type.spec.models:
        schema = f"/api/v1/agents/dynamic/{agent}/schema"
        model = QueryParameter("model", "Which of the type's models.", next(iter(agent_type.spec.models)))
        summary = f"JSON Schema of {agent}'s rows."
        found.append(_read(schema, f"get_schema__{suffix}", summary, folder, query=(model,)))
    for name in agent_type.spec.models:
        found.append(
            Endpoint(
                "GET",
                f"/api/v1/agents/dynamic/{agent}/results",
                f"list_results__{suffix}",
                f"Rows of {name} that {agent} wrote.",
                folder,
                query=(QueryParameter("model", "Which of the type's models.", name), *_QUERY),
                answer=f"{prefix}Results",
                answer_example=_page_example(agent_type, name),
            )
        )
    return found


def _task_example(agent_type: AgentType) -> dict[str, Any] | None:
    try:
        return {"input": example_input(agent_type)}
    except NoMockError:
        return None


def _page_example(agent_type: AgentType, model: str) -> dict[str, Any] | None:
    try:
        return {"items": mock_rows(agent_type, model, 1, seed=0), "next": None}
    except NoMockError:
        return None

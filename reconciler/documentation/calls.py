"""Worked examples of one type: a task run and its results read, from the command line, curl, Python and TypeScript."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pprint import pformat
from typing import Any

from reconciler.documentation.mock.objects import NoMockError, example_input
from reconciler.documentation.typescript.naming import pascal
from reconciler.spec.agent_type import AgentType

BASE_URL = "http://127.0.0.1:8080"
"""Where `reconcile serve` listens unless told otherwise."""
KEY_VARIABLE = "RECONCILER_API_KEY"


@dataclass(frozen=True, slots=True)
class Example:
    """`language` is what a block of code is marked with."""

    title: str
    language: str
    code: str


def examples_of(agent_type: AgentType, agent: str, base_url: str = BASE_URL) -> list[Example]:
    """A task of this agent in every language. Empty for a type whose input cannot be made up."""
    try:
        given = example_input(agent_type)
    except NoMockError:
        return []
    has_rows = bool(agent_type.spec.models)
    return [
        Example("Command line", "sh", _command_line(agent, given, has_rows)),
        Example("curl", "sh", _curl(agent, given, has_rows, base_url)),
        Example("Python", "python", _python(agent, given, has_rows, base_url)),
        Example("TypeScript", "typescript", _typescript(agent_type, agent, given, base_url)),
    ]


def _command_line(agent: str, given: Mapping[str, Any], has_rows: bool) -> str:
    lines = [f"reconcile run {agent} --input {shlex.quote(_compact(given))}"]
    return "\n".join([*lines, f"reconcile results {agent} --format jsonl"] if has_rows else lines)


def _curl(agent: str, given: Mapping[str, Any], has_rows: bool, base_url: str) -> str:
    key = f'-H "Authorization: Bearer ${KEY_VARIABLE}"'
    body = shlex.quote(_compact({"input": given}))
    lines = [
        f"curl -sS {key} -H 'Content-Type: application/json' \\",
        f"  -d {body} \\",
        f"  {base_url}/api/v1/agents/{agent}/tasks",
    ]
    if has_rows:
        lines.append(f"curl -sS {key} {base_url}/api/v1/agents/dynamic/{agent}/results")
    return "\n".join(lines)


def _python(agent: str, given: Mapping[str, Any], has_rows: bool, base_url: str) -> str:
    lines = [
        "import os",
        "",
        "import httpx",
        "",
        f'headers = {{"Authorization": f"Bearer {{os.environ[{KEY_VARIABLE!r}]}}"}}',
        f"given = {pformat(dict(given), width=90, sort_dicts=False)}",
        f'with httpx.Client(base_url="{base_url}", headers=headers) as client:',
        f'    submitted = client.post("/api/v1/agents/{agent}/tasks", json={{"input": given}})',
        "    submitted.raise_for_status()",
        "    print(submitted.json())",
    ]
    if has_rows:
        lines.append(f'    print(client.get("/api/v1/agents/dynamic/{agent}/results").json())')
    return "\n".join(lines)


def _typescript(agent_type: AgentType, agent: str, given: Mapping[str, Any], base_url: str) -> str:
    name = pascal(agent_type.name)
    text = json.dumps(given, indent=2, ensure_ascii=False)
    return "\n".join(
        [
            f'import {{ createClient, type {name}Input }} from "reconciler-sdk";',
            "",
            f'const client = createClient({{ baseUrl: "{base_url}", apiKey: process.env.{KEY_VARIABLE} ?? "" }});',
            f"const input: {name}Input = {text};",
            f'const task = await client.runTask("{agent_type.name}", "{agent}", input);',
            "console.log(task.state, task.output);",
        ]
    )


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

"""How a frontend uses what is here: the package generated for its types, the client, validators, hooks and mocks."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.documentation.calls import KEY_VARIABLE, examples_of
from reconciler.documentation.document import Document
from reconciler.documentation.markdown import code, fence, table
from reconciler.documentation.typescript.naming import pascal, row_name
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType


def integration(types: Sequence[AgentType], agents: Sequence[Agent], base_url: str) -> Document:
    lines = ["# Using agents from a frontend", "", *_START]
    lines += fence("reconcile sdk typescript --out sdk\ncd sdk && npm install && npm run build", "sh")
    lines += _PARTS
    rows = [
        (code(found.name), code(f"{pascal(found.name)}Input"), _rows(found), code(found.spec.version))
        for found in types
    ]
    lines += table(("Type", "Input", "Rows", "Version"), rows)
    if types:
        first = types[0]
        agent = next((a.name for a in agents if a.spec.type == first.name), first.name)
        lines += ["## The client", ""]
        for example in examples_of(first, agent, base_url):
            if example.language == "typescript":
                lines += fence(example.code, example.language)
        lines += ["## React", "", *fence(_hooks(first, agent, base_url), "tsx")]
    lines += ["## Tests", "", *_MOCKS]
    data = {
        "base_url": base_url,
        "key_variable": KEY_VARIABLE,
        "types": {
            found.name: {
                "version": found.spec.version,
                "input": f"{pascal(found.name)}Input",
                "rows": {model: row_name(found.name, model) for model in found.spec.models},
            }
            for found in types
        },
    }
    return Document("Using agents from a frontend", "\n".join(lines).rstrip() + "\n", data)


def _rows(agent_type: AgentType) -> str:
    return ", ".join(code(row_name(agent_type.name, model)) for model in agent_type.spec.models)


def _hooks(agent_type: AgentType, agent: str, base_url: str) -> str:
    name = pascal(agent_type.name)
    return f"""\
import {{ createClient }} from "reconciler-sdk";
import {{ AgentsProvider, useRunTask }} from "reconciler-sdk/react";

const client = createClient({{ baseUrl: "{base_url}", apiKey: readKey }});

function Run({{ input }}: {{ input: {name}Input }}) {{
  const run = useRunTask("{agent_type.name}", "{agent}");
  return <button onClick={{() => run.mutate(input)}}>{{run.data?.state ?? "run"}}</button>;
}}"""


_START = (
    "A package is generated for the types of one instance: a change of a type's contract shows as a compile error.",
    "",
)
_PARTS = (
    "It holds types of every input, setting, output and row, zod validators that agree with the server, a client on",
    "`fetch`, React hooks on TanStack Query, and mock rows with handlers for Mock Service Worker.",
    "",
    "## Types",
    "",
)
_MOCKS = (
    "`reconcile dev mock TYPE --count 20 --seed 1` prints rows that keep every constraint, `--invalid` inputs that",
    "break one each. `reconciler-sdk/mocks` holds such rows and handlers that answer with them.",
)

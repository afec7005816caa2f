"""The files of the npm package for one instance: the frontend package as it is, with the instance's types in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from reconciler.documentation.typescript.modules import (
    fixtures_module,
    schemas_module,
    types_module,
    validators_module,
)
from reconciler.spec.agent_type import AgentType

PACKAGE = "reconciler-sdk"
INSTANCE = "src/instance/"
"""Where the frontend package has what it knows of types: nothing, until it is that of an instance."""


def typescript_package(
    types: Sequence[AgentType], version: str, frontend: Mapping[str, str]
) -> dict[str, str]:
    """Texts by file name. `version` is the package's own, in semver; `frontend` are the files of the frontend package,
    whose modules in `INSTANCE` give way to those of the types."""
    made = {
        "types": types_module(types),
        "validators": validators_module(types),
        "schemas": schemas_module(types),
        "fixtures": fixtures_module(types),
    }
    return dict(frontend) | {
        "package.json": _manifest(frontend["package.json"], version),
        "README.md": _README,
        **{f"{INSTANCE}{name}.ts": _text(lines) for name, lines in made.items()},
    }


def _text(lines: Iterator[str]) -> str:
    return "\n".join(lines) + "\n"


def _manifest(frontend: str, version: str) -> str:
    """That of the frontend package under another name."""
    manifest = json.loads(frontend) | {
        "name": PACKAGE,
        "version": version,
        "description": "Typed client, validators, hooks and components for the agents of one instance.",
    }
    return json.dumps(manifest, indent=2) + "\n"


_README = """\
# reconciler-sdk

Made by `reconcile sdk typescript` for the agent types of one instance: make it anew when they change, and the compiler
shows what that changes for you.

- `reconciler-sdk`: types of every input, setting, output and row, and of the whole API, and `createClient`
- `reconciler-sdk/validators`: the same as zod
- `reconciler-sdk/react`: hooks on TanStack Query
- `reconciler-sdk/components` and `reconciler-sdk/styles.css`: a builder of agents, a form to run one, a table of its
  results, the trace of a task, a plan, the preview of a deletion
- `reconciler-sdk/mocks`: handlers for Mock Service Worker

`npm install && npm run build` makes it.
"""

"""The files of the npm package for one instance: what its types make different, and what is the same for all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib.resources import files

from reconciler.documentation.typescript.modules import (
    fields_module,
    fixtures_module,
    types_module,
    validators_module,
)
from reconciler.spec.agent_type import AgentType

PACKAGE = "reconciler-sdk"
RUNTIME = (
    "api.ts",
    "client.ts",
    "components.ts",
    "events.ts",
    "index.ts",
    "mocks.ts",
    "react.ts",
    "rules.ts",
)


def typescript_package(types: Sequence[AgentType], version: str) -> dict[str, str]:
    """Texts by file name. `version` is the package's own, in semver."""
    runtime = files("reconciler.documentation.typescript") / "runtime"
    made = {f"src/{name}": (runtime / name).read_text("utf-8") for name in RUNTIME}
    return made | {
        "package.json": _manifest(version),
        "tsconfig.json": (runtime / "tsconfig.json").read_text("utf-8"),
        "README.md": _README,
        "src/types.ts": _text(types_module(types)),
        "src/validators.ts": _text(validators_module(types)),
        "src/fields.ts": _text(fields_module(types)),
        "src/fixtures.ts": _text(fixtures_module(types)),
    }


def _text(lines: Iterator[str]) -> str:
    return "\n".join(lines) + "\n"


def _manifest(version: str) -> str:
    entries = {
        ".": "index",
        "./react": "react",
        "./components": "components",
        "./fields": "fields",
        "./validators": "validators",
        "./mocks": "mocks",
    }
    manifest = {
        "name": PACKAGE,
        "version": version,
        "description": "Typed client, validators and hooks for the agents of one instance.",
        "private": True,
        "type": "module",
        "sideEffects": False,
        "exports": {
            path: {"types": f"./dist/{name}.d.ts", "default": f"./dist/{name}.js"}
            for path, name in entries.items()
        },
        "files": ["dist"],
        "scripts": {"build": "tsc", "check": "tsc --noEmit"},
        "dependencies": {"zod": "^4.0.0"},
        "peerDependencies": {"@tanstack/react-query": "^5.0.0", "msw": "^2.0.0", "react": ">=18"},
        "peerDependenciesMeta": {
            name: {"optional": True} for name in ("@tanstack/react-query", "msw", "react")
        },
        "devDependencies": {
            "@tanstack/react-query": "^5.0.0",
            "@types/react": "^19.0.0",
            "msw": "^2.0.0",
            "react": "^19.0.0",
            "typescript": "^5.6.0",
        },
    }
    return json.dumps(manifest, indent=2) + "\n"


_README = """\
# reconciler-sdk

Made by `reconcile sdk typescript` for the agent types of one instance: make it anew when they change, and the compiler
shows what that changes for you.

- `reconciler-sdk`: types of every input, setting, output and row, and `createClient`
- `reconciler-sdk/validators`: the same as zod
- `reconciler-sdk/react`: hooks on TanStack Query
- `reconciler-sdk/components`: a form to run an agent, a table of its results, the trace of a task
- `reconciler-sdk/mocks`: handlers for Mock Service Worker

`npm install && npm run build` makes it.
"""

"""The files of the npm package for one instance: what its types make different, and what is the same for all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib.resources import files

from reconciler.documentation.mock.objects import NoMockError
from reconciler.documentation.mock.rows import mock_rows
from reconciler.documentation.typescript.naming import camel, comment, key, literal, pascal, row_name
from reconciler.documentation.typescript.shapes import interface
from reconciler.documentation.typescript.validators import validator
from reconciler.spec.agent_type import AgentType

PACKAGE = "reconciler-sdk"
RUNTIME = ("api.ts", "client.ts", "events.ts", "index.ts", "mocks.ts", "react.ts", "rules.ts")
FIXTURES = 5
"""Rows of each model that the package brings along."""


def typescript_package(types: Sequence[AgentType], version: str) -> dict[str, str]:
    """Texts by file name. `version` is the package's own, in semver."""
    runtime = files("reconciler.documentation.typescript") / "runtime"
    made = {f"src/{name}": (runtime / name).read_text("utf-8") for name in RUNTIME}
    return made | {
        "package.json": _manifest(version),
        "tsconfig.json": (runtime / "tsconfig.json").read_text("utf-8"),
        "README.md": _README,
        "src/types.ts": _text(_types(types)),
        "src/validators.ts": _text(_validators(types)),
        "src/fixtures.ts": _text(_fixtures(types)),
    }


def _types(types: Sequence[AgentType]) -> Iterator[str]:
    yield "/** The agent types of one instance. Generated: what is changed here is lost. */"
    yield 'import type { JsonValue, SystemColumns } from "./api.js";'
    yield ""
    for agent_type in types:
        yield from _shapes(agent_type)
    yield "/** Types by name. */"
    yield "export interface AgentTypes {"
    for agent_type in types:
        name, models = pascal(agent_type.name), agent_type.spec.models
        rows = ", ".join(f"{key(model)}: {row_name(agent_type.name, model)}" for model in models)
        yield f"  {key(agent_type.name)}: {{"
        yield f"    version: {literal(agent_type.spec.version)};"
        yield f"    input: {name}Input;"
        yield f"    settings: {name}Settings;"
        yield f"    output: {name}Output;"
        yield f"    rows: {{ {rows} }};"
        yield "  };"
    yield "}"
    yield ""
    yield f"export const versions = {{{_versions(types)}}} as const;"
    yield ""
    yield "export type { JsonValue };"


def _shapes(agent_type: AgentType) -> Iterator[str]:
    name, spec = pascal(agent_type.name), agent_type.spec
    yield comment(spec.description or spec.title or f"What a task of {agent_type.name} is given.")
    yield from interface(f"{name}Input", spec.input, "given")
    yield ""
    yield from interface(f"{name}Settings", spec.settings, "given")
    yield ""
    for model, found in spec.models.items():
        if found.description:
            yield comment(found.description)
        yield from interface(
            row_name(agent_type.name, model), found.fields, "stored", extends="SystemColumns"
        )
        yield ""
    output = spec.output
    if output is None:
        yield f"export type {name}Output = null;"
    elif output.model is not None:
        yield f"export type {name}Output = {row_name(agent_type.name, output.model)};"
    else:
        yield from interface(f"{name}Output", output.fields or {}, "stored")
    yield ""


def _versions(types: Sequence[AgentType]) -> str:
    pairs = (f"{key(found.name)}: {literal(found.spec.version)}" for found in types)
    return f" {', '.join(pairs)} " if types else ""


_SYSTEM = (
    "const systemColumns = {",
    "  id: rules.reference(),",
    "  task_id: z.string().nullable(),",
    "  agent: z.string().nullable(),",
    "  type_version: z.string(),",
    "  created_at: rules.datetime(),",
    "  deleted_at: rules.datetime().nullable(),",
    "};",
    "",
)


def _validators(types: Sequence[AgentType]) -> Iterator[str]:
    yield "/** What a task may be given and what a row is, as zod. Generated: what is changed here is lost. */"
    yield 'import { z } from "zod";'
    yield 'import * as rules from "./rules.js";'
    yield 'import type * as types from "./types.js";'
    yield ""
    yield from _SYSTEM
    for found in types:
        name, shape, spec = camel(found.name), pascal(found.name), found.spec
        yield from validator(f"{name}Input", f"types.{shape}Input", spec.input, "given")
        yield from validator(f"{name}Settings", f"types.{shape}Settings", spec.settings, "given")
        for model, inner in spec.models.items():
            row = row_name(found.name, model)
            constant = row[0].lower() + row[1:]
            yield from validator(constant, f"types.{row}", inner.fields, "stored", base="...systemColumns,")
        yield ""
    yield from _by_type("inputValidators", types, "Input")
    yield from _by_type("settingsValidators", types, "Settings")
    yield "export const rowValidators = {"
    for found in types:
        rows = ((key(model), row_name(found.name, model)) for model in found.spec.models)
        yield f"  {key(found.name)}: {{ {', '.join(f'{model}: {r[0].lower() + r[1:]}' for model, r in rows)} }},"
    yield "};"
    yield ""
    yield "export { systemColumns };"


def _by_type(name: str, types: Sequence[AgentType], suffix: str) -> Iterator[str]:
    yield f"export const {name} = {{"
    yield from (f"  {key(found.name)}: {camel(found.name)}{suffix}," for found in types)
    yield "};"
    yield ""


def _fixtures(types: Sequence[AgentType]) -> Iterator[str]:
    yield "/** Rows that keep every constraint, made up. Generated: what is changed here is lost. */"
    yield 'import type { AgentTypes } from "./types.js";'
    yield ""
    yield "type Fixtures = {"
    yield "  readonly [T in keyof AgentTypes]: {"
    yield '    readonly output: AgentTypes[T]["output"] | null;'
    yield '    readonly rows: { readonly [M in keyof AgentTypes[T]["rows"]]: readonly AgentTypes[T]["rows"][M][] };'
    yield "  };"
    yield "};"
    yield ""
    yield "export const fixtures: Fixtures = {"
    for found in types:
        rows = {model: _rows(found, model) for model in found.spec.models}
        output = found.spec.output.model if found.spec.output else None
        first = rows.get(output or "") or [None]
        yield f"  {key(found.name)}: {{"
        yield f"    output: {literal(first[0])},"
        yield "    rows: {"
        yield from (f"      {key(model)}: {literal(made)}," for model, made in rows.items())
        yield "    },"
        yield "  },"
    yield "};"


def _rows(agent_type: AgentType, model: str) -> list[dict[str, object]]:
    """As many as there are room for: an enum that is unique has only so many values."""
    for count in (FIXTURES, 1):
        try:
            return mock_rows(agent_type, model, count, seed=1)
        except NoMockError:
            continue
    return []


def _text(lines: Iterator[str]) -> str:
    return "\n".join(lines) + "\n"


def _manifest(version: str) -> str:
    entries = {".": "index", "./react": "react", "./validators": "validators", "./mocks": "mocks"}
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
- `reconciler-sdk/mocks`: handlers for Mock Service Worker

`npm install && npm run build` makes it.
"""

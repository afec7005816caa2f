"""The modules of a package that its types make different: types, validators, schemas, fixtures. Lines of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.documentation.mock.objects import NoMockError, example_input
from reconciler.documentation.mock.rows import mock_rows
from reconciler.documentation.schemas import type_schemas
from reconciler.documentation.typescript.naming import camel, comment, key, literal, pascal, row_name
from reconciler.documentation.typescript.shapes import interface
from reconciler.documentation.typescript.validators import validator
from reconciler.spec.agent_type import AgentType

FIXTURES = 5
"""Rows of each model that the package brings along."""


def types_module(types: Sequence[AgentType]) -> Iterator[str]:
    yield "/** The agent types of one instance. Generated: what is changed here is lost. */"
    yield 'import type { JsonValue, SystemColumns } from "../api.js";'
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


def validators_module(types: Sequence[AgentType]) -> Iterator[str]:
    yield "/** What a task may be given and what a row is, as zod. Generated: what is changed here is lost. */"
    yield 'import { z } from "zod";'
    yield 'import * as rules from "../rules.js";'
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


def schemas_module(types: Sequence[AgentType]) -> Iterator[str]:
    yield "/** JSON Schemas of what goes into a type and comes out of it. Generated: what is changed here is lost. */"
    yield 'import type { TypeSchemas } from "../api.js";'
    yield ""
    yield "export const schemas: Readonly<Record<string, TypeSchemas>> = {"
    for found in types:
        yield f"  {key(found.name)}: {{"
        for name, schema in type_schemas(found).items():
            yield f"    {name}: {literal(schema)},"
        yield "  },"
    yield "};"


def fixtures_module(types: Sequence[AgentType]) -> Iterator[str]:
    yield "/** Rows that keep every constraint, made up. Generated: what is changed here is lost. */"
    yield 'import type { AgentTypes } from "./types.js";'
    yield ""
    yield "type Fixtures = {"
    yield "  readonly [T in keyof AgentTypes]: {"
    yield '    readonly input: AgentTypes[T]["input"] | null;'
    yield '    readonly output: AgentTypes[T]["output"] | null;'
    yield '    readonly rows: { readonly [M in keyof AgentTypes[T]["rows"]]: readonly AgentTypes[T]["rows"][M][] };'
    yield "  };"
    yield "};"
    yield ""
    yield "export const fixtures: Fixtures = {"
    for found in types:
        rows = {model: _rows(found, model) for model in found.spec.models}
        output = found.spec.output.model if found.spec.output else None
        first: list[Any] = rows.get(output or "") or [None]
        yield f"  {key(found.name)}: {{"
        yield f"    input: {literal(_input(found))},"
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


def _input(agent_type: AgentType) -> dict[str, object] | None:
    try:
        return example_input(agent_type)
    except NoMockError:
        return None

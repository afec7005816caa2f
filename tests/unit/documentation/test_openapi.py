"""OpenAPI of types: valid for every type, its examples fit its schemas, and its schemas agree with the rules."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from reconciler.documentation.endpoints import FIXED
from reconciler.documentation.generator import DocumentationGenerator
from reconciler.documentation.mock.objects import invalid_objects, mock_inputs, mock_object
from reconciler.documentation.mock.rows import mock_rows
from reconciler.documentation.openapi import openapi_document
from reconciler.documentation.schemas import given_schema, row_schema
from reconciler.spec.agent_type import AgentType
from reconciler.spec.field_schema import portable_pattern
from tests.unit.documentation.hostile import ATTACKS, SECRET, hostile_type, shipped, shipped_types
from tests.unit.documentation.random_types import random_type

BASE_URL = "https://agents.example.com"
TYPES = [*shipped_types(), *map(random_type, range(100))]
every_type = pytest.mark.parametrize("agent_type", TYPES, ids=lambda found: found.name)


def admits(schema: dict[str, Any], value: Any) -> bool:
    return Draft202012Validator(schema).is_valid(value)


def test_the_document_of_the_shipped_types_is_valid() -> None:
    validate(DocumentationGenerator(shipped()).openapi())


@every_type
def test_the_document_of_any_type_is_valid(agent_type: AgentType) -> None:
    document = openapi_document([agent_type], [], BASE_URL)
    validate(document)
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@every_type
def test_examples_fit_their_schemas(agent_type: AgentType) -> None:
    document = openapi_document([agent_type], [], BASE_URL)
    seen = 0
    for operations in document["paths"].values():
        for operation in operations.values():
            contents = [operation.get("requestBody", {}), *operation["responses"].values()]
            for content in (part.get("content", {}).get("application/json", {}) for part in contents):
                for example in content.get("examples", {}).values():
                    schema = content["schema"] | {"components": document["components"]}
                    Draft202012Validator(schema).validate(example["value"])
                    seen += 1
    assert seen >= 1


@every_type
def test_schemas_admit_what_fits_and_refuse_what_they_can_tell_does_not(agent_type: AgentType) -> None:
    schema = given_schema(agent_type.spec.input)
    assert all(admits(schema, value) for value in mock_inputs(agent_type, 5, seed=2))
    settings = given_schema(agent_type.spec.settings)
    assert admits(settings, mock_object(agent_type.spec.settings, Random(1)))
    for model in agent_type.spec.models:
        assert all(
            admits(row_schema(agent_type, model), row) for row in mock_rows(agent_type, model, 5, seed=2)
        )
    typed = [
        name
        for name, field in agent_type.spec.input.items()
        if field.type in ("integer", "number", "boolean", "enum", "list")
    ]
    for invalid in invalid_objects(agent_type.spec.input, seed=2):
        wrong = {name for name in typed if invalid.get(name) == {"not": "this"}}
        if wrong or "nobody_declared_this" in invalid:
            assert not admits(schema, invalid)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_type_has_a_valid_document_without_secrets(attack: str) -> None:
    document = openapi_document([hostile_type(attack)], [], BASE_URL)
    validate(document)
    assert SECRET not in str(document)


def test_every_pattern_of_a_schema_is_one_that_all_engines_read() -> None:
    for found in TYPES:
        for name, field in found.spec.input.items():
            if field.pattern is not None and field.required and field.default is None:
                shown = given_schema(found.spec.input)["properties"][name].get("pattern")
                assert shown == portable_pattern(field.pattern)


def test_what_the_document_tells_is_what_the_server_answers() -> None:
    from api.app import create_app
    from api.config import ServeConfig
    from reconciler.settings import Settings

    paths = create_app(Settings.from_environment({}), ServeConfig()).openapi()["paths"]
    for endpoint in FIXED:
        operation = paths[endpoint.path][endpoint.method.lower()]
        assert operation["operationId"] == endpoint.operation
        assert str(endpoint.status) in operation["responses"]
        assert bool(operation.get("security")) == endpoint.needs_key
    for path, method in (
        ("/api/v1/agents/{id}", "get"),
        ("/api/v1/agents/{id}/tasks", "post"),
        ("/api/v1/agents/dynamic/{id}/results", "get"),
        ("/api/v1/agents/dynamic/{id}/schema", "get"),
        ("/api/v1/agent-types/{type}", "get"),
        ("/api/v1/agent-types/{type}/versions", "get"),
        ("/api/v1/agent-types/{type}/documentation", "get"),
        ("/api/v1/tasks/{id}", "get"),
        ("/api/v1/tasks/{id}/events", "get"),
    ):
        assert method in paths[path]

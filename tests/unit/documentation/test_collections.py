"""Collections of requests: of the shape that each program reads, and never with a value for the key."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from reconciler.documentation.insomnia import insomnia_collection
from reconciler.documentation.postman import postman_collection
from tests.unit.documentation.hostile import ATTACKS, SECRET, hostile_type, shipped_types
from tests.unit.documentation.random_types import random_type

BASE_URL = "https://agents.example.com"
TYPES = [*shipped_types(), *map(random_type, range(30))]

_TEXT = {"type": "string"}
_FLAG = {"type": "boolean"}
_NAMED = {
    "type": "object",
    "properties": {"name": _TEXT, "value": _TEXT, "disabled": _FLAG},
    "required": ["name", "value"],
    "additionalProperties": False,
}
_META = {
    "type": "object",
    "properties": {
        "id": _TEXT,
        "created": {"type": "integer"},
        "modified": {"type": "integer"},
        "isPrivate": _FLAG,
        "description": _TEXT,
        "sortKey": {"type": "integer"},
    },
    "required": ["id"],
    "additionalProperties": False,
}
_REQUEST = {
    "type": "object",
    "properties": {
        "url": _TEXT,
        "name": _TEXT,
        "meta": _META,
        "method": {"enum": ["GET", "POST", "PUT", "DELETE"]},
        "headers": {"type": "array", "items": _NAMED},
        "parameters": {"type": "array", "items": _NAMED},
        "body": {
            "type": "object",
            "properties": {"mimeType": _TEXT, "text": _TEXT},
            "additionalProperties": False,
        },
        "authentication": {
            "type": "object",
            "properties": {"type": {"const": "bearer"}, "token": {"const": "{{ _.api_key }}"}},
            "additionalProperties": False,
        },
    },
    "required": ["url", "name", "meta", "method", "headers"],
    "additionalProperties": False,
}
_FOLDER = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "meta": _META,
        "children": {"type": "array", "items": _REQUEST, "minItems": 1},
    },
    "required": ["name", "meta", "children"],
    "additionalProperties": False,
}
INSOMNIA = {
    "type": "object",
    "properties": {
        "type": {"const": "collection.insomnia.rest/5.0"},
        "name": _TEXT,
        "meta": _META,
        "collection": {"type": "array", "items": _FOLDER},
        "cookieJar": {"type": "object", "properties": {"name": _TEXT, "meta": _META}},
        "environments": {
            "type": "object",
            "properties": {"name": _TEXT, "meta": _META, "data": {"type": "object"}},
            "required": ["name", "data"],
        },
    },
    "required": ["type", "name", "meta", "collection", "environments"],
    "additionalProperties": False,
}
_KEYED = {"type": "object", "properties": {"key": _TEXT, "value": _TEXT}, "required": ["key", "value"]}
_ITEM = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "request": {
            "type": "object",
            "properties": {
                "method": _TEXT,
                "header": {"type": "array", "items": _KEYED},
                "url": {
                    "type": "object",
                    "properties": {
                        "raw": _TEXT,
                        "host": {"const": ["{{base_url}}"]},
                        "path": {"type": "array", "items": _TEXT},
                        "query": {"type": "array", "items": _KEYED},
                    },
                    "required": ["raw", "host", "path"],
                },
                "body": {"type": "object", "properties": {"mode": {"const": "raw"}, "raw": _TEXT}},
            },
            "required": ["method", "header", "url"],
        },
        "event": {"type": "array", "minItems": 1},
    },
    "required": ["name", "request", "response"],
}
POSTMAN = {
    "type": "object",
    "properties": {
        "info": {
            "type": "object",
            "properties": {"name": _TEXT, "schema": {"pattern": r"/collection/v2\.1\.0/collection\.json$"}},
            "required": ["name", "schema"],
        },
        "item": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": _TEXT, "item": {"type": "array", "items": _ITEM, "minItems": 1}},
                "required": ["name", "item"],
            },
        },
    },
    "required": ["info", "item", "auth", "variable"],
}
"""What both programs read of a file, as far as ours have it."""


@pytest.mark.parametrize("agent_type", TYPES, ids=lambda found: found.name)
def test_collections_have_the_shape_that_is_read(agent_type: Any) -> None:
    Draft202012Validator(POSTMAN).validate(postman_collection([agent_type], [], BASE_URL))
    Draft202012Validator(INSOMNIA).validate(yaml.safe_load(insomnia_collection([agent_type], [], BASE_URL)))


def test_every_id_is_another_one() -> None:
    text = insomnia_collection(TYPES, [], BASE_URL)
    ids = re.findall(r"\bid: (\w+)", text)
    assert len(ids) == len(set(ids)) > 100


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_of_a_manifest_is_filled_in_by_either_program(attack: str) -> None:
    found = hostile_type(attack)
    postman = json.dumps(postman_collection([found], [], BASE_URL))
    insomnia = insomnia_collection([found], [], BASE_URL)
    assert SECRET not in postman + insomnia
    assert set(re.findall(r"\{\{(.*?)\}\}", postman)) <= {"base_url", "api_key", "task_id"}
    assert set(re.findall(r"\{\{(.*?)\}\}", insomnia)) <= {" _.base_url ", " _.api_key ", " _.task_id "}
    assert "{%" not in insomnia
    bodies = [
        r["body"]["text"]
        for f in yaml.safe_load(insomnia)["collection"]
        for r in f["children"]
        if "body" in r
    ]
    assert [json.loads(body)["input"]["free"] for body in bodies] == [attack]

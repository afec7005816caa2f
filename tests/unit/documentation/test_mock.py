"""Made-up values: those said to fit always fit, those said not to never do, and a seed always gives the same."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.documentation.mock.objects import (
    NoMockError,
    example_input,
    invalid_objects,
    mock_inputs,
    mock_object,
)
from reconciler.documentation.mock.rows import mock_rows
from reconciler.documentation.mock.values import fitting_value
from reconciler.expressions.check_sql import parse_check
from reconciler.spec.agent_type import SYSTEM_FIELDS, AgentType
from reconciler.spec.fields import FieldSpec
from reconciler.spec.patterns import matches
from reconciler.spec.tables import table_of
from reconciler.spec.validation import ValuesInvalid, validator_of
from tests.unit.documentation.hostile import SECRET, hostile_type, shipped_types
from tests.unit.documentation.random_types import PATTERNS, problems_of, random_type

SEEDS = range(100)
TYPES = [*shipped_types(), *map(random_type, SEEDS)]
every_type = pytest.mark.parametrize("agent_type", TYPES, ids=lambda found: found.name)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_random_types_are_valid(seed: int, tmp_path: Path) -> None:
    assert problems_of(seed, tmp_path) == []


@every_type
def test_inputs_and_settings_fit(agent_type: AgentType) -> None:
    for given_values in mock_inputs(agent_type, 10, seed=1):
        validator_of(agent_type.spec.input).validate(given_values)
    validator_of(agent_type.spec.input).validate(example_input(agent_type))
    for seed in range(5):
        validator_of(agent_type.spec.settings).validate(mock_object(agent_type.spec.settings, Random(seed)))


@every_type
def test_rows_keep_all_that_their_table_demands(agent_type: AgentType) -> None:
    for name, model in agent_type.spec.models.items():
        rows = mock_rows(agent_type, name, 8, seed=1)
        columns = {column.name: column for column in table_of(agent_type.name, name, model).columns}
        checks = [parse_check(check.expression, columns) for check in model.checks]
        for row in rows:
            assert set(row) == {*SYSTEM_FIELDS, *model.fields}
            values = {field: row[field] for field in model.fields}
            validator_of(model.fields).validate(values)
            assert all(check.evaluate(values) is not False for check in checks)
        for group in [*model.unique, *([n] for n, field in model.fields.items() if field.unique)]:
            keys = [tuple(row[field] for field in group) for row in rows]
            assert len({key for key in keys if None not in key}) == len([k for k in keys if None not in k])


@every_type
def test_invalid_ones_never_fit(agent_type: AgentType) -> None:
    for fields in (agent_type.spec.input, *(model.fields for model in agent_type.spec.models.values())):
        for invalid in invalid_objects(fields, seed=1):
            with pytest.raises(ValuesInvalid):
                validator_of(fields).validate(invalid)


def test_a_seed_always_gives_the_same_and_another_one_something_else() -> None:
    for found in shipped_types():
        for model in found.spec.models:
            assert mock_rows(found, model, 5, seed=1) == mock_rows(found, model, 5, seed=1)
            assert mock_rows(found, model, 5, seed=1) != mock_rows(found, model, 5, seed=2)


@given(st.sampled_from(PATTERNS), st.integers(0, 30), st.integers())
def test_texts_match_their_patterns_whatever_their_length(pattern: str, least: int, seed: int) -> None:
    field = FieldSpec(type="string", pattern=pattern, min_length=least)  # type: ignore[arg-type]
    value = fitting_value(field, Random(seed))
    assert value is None or (matches(pattern, value) and len(value) >= least)


HARD: list[dict[str, Any]] = [
    {"type": "string", "pattern": r"^[A-Z]{2}-\d{4,}$", "min_length": 12},
    {"type": "string", "pattern": r"(?i)foo|bar\b", "min_length": 10},
    {"type": "string", "pattern": r"^\p{Lu}+$"},
    {"type": "string", "pattern": r"^(?P<year>\d{4})-(?:0[1-9]|1[0-2])$"},
    {"type": "string", "format": "email", "max_length": 5},
    {"type": "string", "format": "email", "min_length": 250},
    {"type": "string", "format": "ipv4", "max_length": 7},
    {"type": "string", "format": "hostname", "min_length": 200},
    {"type": "string", "format": "slug", "max_length": 2},
    {"type": "text", "min_length": 5000, "max_length": 5000},
    {"type": "decimal", "precision": 5, "scale": 2, "min": 0.015, "max": 0.02},
    {"type": "decimal", "max": -3},
    {"type": "decimal", "precision": 38, "scale": 0},
    {"type": "number", "max": -5},
    {"type": "number", "min": 1e300},
    {"type": "integer", "min": 2**60},
    {"type": "list", "items": "integer", "min_length": 4},
    {"type": "binary", "min_length": 3, "max_length": 4},
]


@pytest.mark.parametrize("field", HARD, ids=str)
def test_narrow_fields_have_values(field: dict[str, Any]) -> None:
    assert fitting_value(FieldSpec.model_validate(field), Random(1)) is not None


def test_a_field_without_any_value_is_said_to_have_none() -> None:
    field = FieldSpec.model_validate(
        {"type": "string", "pattern": "^a{5}$", "max_length": 3, "required": True}
    )
    with pytest.raises(NoMockError) as caught:
        mock_object({"narrow": field}, Random(1))
    assert "narrow" in caught.value.message
    assert caught.value.hint


def test_a_model_without_room_for_so_many_rows_is_said_to_have_none() -> None:
    found = shipped_types()[0]
    fields = {
        "only": FieldSpec.model_validate({"type": "enum", "values": ["a"], "unique": True, "required": True})
    }
    model = next(iter(found.spec.models.values())).model_copy(
        update={"fields": fields, "checks": [], "unique": [], "indexes": []}
    )
    narrow = found.model_copy(update={"spec": found.spec.model_copy(update={"models": {"m": model}})})
    assert len(mock_rows(narrow, "m", 1, seed=1)) == 1
    with pytest.raises(NoMockError):
        mock_rows(narrow, "m", 2, seed=1)


def test_an_example_does_not_repeat_what_is_sensitive() -> None:
    found = hostile_type("x")
    field = FieldSpec.model_validate({"type": "string", "sensitive": True, "required": True})
    told = found.spec.tests[0].model_copy(update={"input": {"key": SECRET}})
    spec = found.spec.model_copy(update={"input": {"key": field}, "tests": [told]})
    assert SECRET not in str(example_input(found.model_copy(update={"spec": spec})))

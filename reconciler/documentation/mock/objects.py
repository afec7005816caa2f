"""Objects that fit their fields, and objects that do not."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from reconciler.documentation.mock.unfit import unfit_values
from reconciler.documentation.mock.values import fitting_value
from reconciler.errors import ReconcilerError
from reconciler.spec.agent_type import AgentType
from reconciler.spec.fields import Fields
from reconciler.spec.validation import validator_of

LEFT_OUT = 0.25
"""Of the values that need not be given, so many are not."""
UNDECLARED = "nobody_declared_this"


class NoMockError(ReconcilerError):
    code = "no-mock"
    http_status = 422


def mock_object(fields: Fields, random: Random, *, complete: bool = False) -> dict[str, Any]:
    """Values by name that fit. `complete`: of every field. Raises NoMockError where a required field has none."""
    made: dict[str, Any] = {}
    for name, field in fields.items():
        if not complete and not field.required and random.random() < LEFT_OUT:
            continue
        value = fitting_value(field, random)
        if value is not None:
            made[name] = value
        elif field.required and field.default is None:
            raise NoMockError(
                f"no value was found that fits the field `{name}`",
                hint="do its bounds, pattern and format together allow any?",
            )
    validator_of(fields).validate(made)
    return made


def mock_inputs(agent_type: AgentType, count: int, seed: int) -> list[dict[str, Any]]:
    """Inputs of tasks. The same seed gives the same ones. Raises NoMockError."""
    random = Random(f"{seed}/{agent_type.name}/input")
    return [mock_object(agent_type.spec.input, random) for _ in range(count)]


def invalid_objects(fields: Fields, seed: int) -> Iterator[dict[str, Any]]:
    """Objects each with one mistake: a value that does not fit, one missing, one that nobody declared."""
    random = Random(seed)
    sound = mock_object(fields, random, complete=True)
    for name, field in fields.items():
        for value in unfit_values(field, random):
            yield sound | {name: value}
        if field.required and field.default is None:
            yield {other: value for other, value in sound.items() if other != name}
    yield sound | {UNDECLARED: 1}


def example_input(agent_type: AgentType) -> dict[str, Any]:
    """What a task may be given: the input of a test that expects success, else made up. Values of sensitive fields are
    made up in any case. Raises NoMockError."""
    fields = agent_type.spec.input
    random = Random(agent_type.name)
    for test in agent_type.spec.tests:
        if test.expect.error is None and test.input:
            told = {
                name: fitting_value(fields[name], random)
                if fields[name].sensitive or fields[name].encrypted
                else value
                for name, value in test.input.items()
                if name in fields
            }
            if validator_of(fields).attempt(told) is not None:
                return told
    return mock_object(fields, random)

"""Rows of a model as results show them, which keep all that their table demands: bounds, uniqueness, checks."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from reconciler.documentation.mock.objects import NoMockError, mock_object
from reconciler.documentation.mock.values import fitting_value
from reconciler.expressions.check_sql import CheckExpression, parse_check
from reconciler.spec.agent_type import AgentType
from reconciler.spec.fields import FieldSpec, FieldType
from reconciler.spec.formats import utc_text
from reconciler.spec.tables import table_of

ATTEMPTS = 300
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_UUID = FieldSpec(type=FieldType.UUID)

Row = dict[str, Any]


def mock_rows(agent_type: AgentType, model: str, count: int, seed: int) -> list[Row]:
    """Rows 1 to `count` of an agent named as its type. The same seed gives the same rows.

    Raises NoMockError where no further row was found that the others and the checks leave room for.
    """
    random = Random(f"{seed}/{agent_type.name}/{model}")
    maker = _RowMaker(agent_type, model, random)
    return [maker.row(number) for number in range(1, count + 1)]


class _RowMaker:
    def __init__(self, agent_type: AgentType, model: str, random: Random) -> None:
        self.agent_type = agent_type
        self.model = model
        self.random = random
        spec = agent_type.spec.models[model]
        self.fields = spec.fields
        self.groups: list[tuple[str, ...]] = [(name,) for name, field in spec.fields.items() if field.unique]
        self.groups += [tuple(group) for group in spec.unique]
        self.taken: set[str] = set()
        columns = {column.name: column for column in table_of(agent_type.name, model, spec).columns}
        self.checks: list[CheckExpression] = [parse_check(c.expression, columns) for c in spec.checks]

    def row(self, number: int) -> Row:
        for _ in range(ATTEMPTS):
            values = self._values()
            keys = self._keys(values)
            if self.taken.isdisjoint(keys) and self._passes(values):
                self.taken |= keys
                return self._system_values(number) | values
        raise NoMockError(
            f"no row {number} of {self.agent_type.name}.{self.model} was found",
            hint="its unique fields and checks may not allow so many rows: ask for fewer",
        )

    def _values(self) -> Row:
        made = mock_object(self.fields, self.random)
        return {name: made.get(name, field.default) for name, field in self.fields.items()}

    def _keys(self, values: Row) -> set[str]:
        """What no other row may share; a group with a value missing clashes with none."""
        found = ((group, [values[name] for name in group]) for group in self.groups)
        return {json.dumps([group, key]) for group, key in found if None not in key}

    def _passes(self, values: Row) -> bool:
        return all(check.evaluate(values) is not False for check in self.checks)

    def _system_values(self, number: int) -> Row:
        return {
            "id": number,
            "task_id": fitting_value(_UUID, self.random),
            "agent": self.agent_type.name,
            "type_version": self.agent_type.spec.version,
            "created_at": utc_text(_EPOCH + timedelta(seconds=self.random.randrange(365 * 86400))),
            "deleted_at": None,
        }

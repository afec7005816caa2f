"""The settings a task runs with: defaults of the type, over them the agent's, over those the task's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.errors import Denied, InvalidInput
from reconciler.spec.fields import Fields
from reconciler.spec.task import Values
from reconciler.spec.validation import ValuesInvalid, validator_of


class AgentSettings:
    """Of one agent. Most tasks say nothing of their own, and all of these share one validated mapping."""

    def __init__(self, fields: Fields, given: Values) -> None:
        """`given` is what the agent's manifest says. Raises InvalidInput where that does not fit the type."""
        self._fields, self._given = fields, dict(given)
        self._standing = _validated(fields, self._given)

    def with_overrides(self, overrides: Values) -> Mapping[str, Any]:
        """A task may override whatever the type declares, unless it is sensitive: who sends a task need not be who
        may choose a password or where the mail goes. Raises Denied, InvalidInput."""
        if not overrides:
            return self._standing
        for name in overrides:
            field = self._fields.get(name)
            if field is not None and field.sensitive:
                raise Denied(
                    f"setting `{name}` is sensitive; no task overrides it",
                    where=f"settings/{name}",
                    hint="set it in the agent's manifest",
                )
        return _validated(self._fields, {**self._given, **overrides})


def _validated(fields: Fields, values: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return validator_of(fields).validate(values, noun="setting")
    except ValuesInvalid as error:
        raise error.as_run_error(InvalidInput, "settings") from error

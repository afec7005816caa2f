"""What all tasks with the same settings have in common: settings as expressions see them, and grants with their
expressions evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.errors import BadParameter, ExpressionError
from reconciler.expressions.nested import evaluate_value
from reconciler.expressions.template import has_expression
from reconciler.spec.agent_type import AgentType, Grant


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`given` is the mapping that both were made of: while a task comes with the very same, nothing is made anew."""

    given: Mapping[str, Any]
    settings: dict[str, Any]
    grants: Mapping[str, Grant]


def surroundings(agent_type: AgentType, given: Mapping[str, Any]) -> Surroundings:
    """Settings that nobody gave are None. Raises BadParameter."""
    settings = {**dict.fromkeys(agent_type.spec.settings), **given}
    grants: dict[str, Grant] = {}
    for index, grant in enumerate(agent_type.spec.tools):
        grants.setdefault(grant.name, _evaluated(grant, settings, f"tools/{index}/recipients"))
    return Surroundings(given, settings, grants)


def _evaluated(grant: Grant, settings: dict[str, Any], where: str) -> Grant:
    """Recipients may come from settings; one that has no value is none."""
    if not any(map(has_expression, grant.recipients or ())):
        return grant
    recipients: list[str] = []
    for position, recipient in enumerate(grant.recipients or ()):
        try:
            value = evaluate_value(recipient, {"settings": settings})
        except ExpressionError as error:
            raise BadParameter(error.message, where=f"{where}/{position}", hint=error.hint) from error
        recipients += [
            text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)
        ]
    return grant.model_copy(update={"recipients": [text for text in recipients if text.strip()]})

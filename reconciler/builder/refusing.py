"""What a check says against a draft -> the slot that should be asked about again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.builder.slots import SlotKind
from reconciler.builder.templates.template import Template
from reconciler.errors import Problem

_QUOTED = re.compile(r"`([^`]+)`")
_BY_CODE: Mapping[str, tuple[SlotKind, ...]] = {
    "policy-host": (SlotKind.HOSTS, SlotKind.HOST),
    "policy-recipient": (SlotKind.ADDRESS,),
}
_BY_NAME: Mapping[str, tuple[str, ...]] = {
    "policy-model": ("model", "engine"),
    "lethal-combination": ("alert_to", "hosts", "secrets"),
    "policy-limit": ("details", "categories"),
    "policy-complexity": ("details", "categories"),
}
_WORDS = re.compile(r"^policy `([^`]+)`")


def refused_slots(errors: Sequence[Problem], template: Template, values: Mapping[str, Any]) -> dict[str, str]:
    """Slots with the reason, in words; empty where no slot of the template is to blame."""
    refused: dict[str, str] = {}
    for problem in errors:
        slot = _slot(problem, template, values)
        if slot:
            refused.setdefault(slot, _reason(problem))
    return refused


def _slot(problem: Problem, template: Template, values: Mapping[str, Any]) -> str:
    quoted = _QUOTED.findall(problem.message)
    if problem.code == "policy-tool":
        return next((s for tool, s in (template.tool_slots or {}).items() if tool in quoted), "")
    for kind in _BY_CODE.get(problem.code, ()):
        slots = [spec.name for spec in template.slots if spec.kind is kind and values.get(spec.name)]
        named = [name for name in slots if any(_holds(values[name], text) for text in quoted)]
        if named or slots:
            return (named or slots)[0]
    return next((name for name in _BY_NAME.get(problem.code, ()) if template.slot(name)), "")


def _holds(value: Any, text: str) -> bool:
    return text == value or (isinstance(value, list) and text in value)


def _reason(problem: Problem) -> str:
    message = _WORDS.sub(r"The policy `\1`", problem.message)
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"{message[:1].upper()}{message[1:]}{hint}."

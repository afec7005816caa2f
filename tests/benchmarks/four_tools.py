"""The four steps as tools of a type, run by the pipeline that production runs: guard, trace, validation and all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from reconciler.llm.memory import ScriptedModel
from reconciler.pipeline.context import RunContext, Runnable
from reconciler.pipeline.pipeline import ProcessingPipeline
from reconciler.spec.agent_type import AgentType
from reconciler.spec.fields import FieldSpec, FieldType
from reconciler.spec.task import Task
from reconciler.tools.base import EffectClass, Parameter, ToolDeclaration, result_field
from reconciler.tools.egress import Network
from reconciler.tools.host import Host
from reconciler.tools.registry import ToolRegistry
from reconciler.tools.tool import Tool, ToolContext

_TEXT = Parameter("template", required=True)
_WHOLE = Parameter(FieldType.INTEGER, required=True)
_CATEGORIES = ["billing", "bug", "sales", "other"]
_TYPE = {
    "apiVersion": "reconciler/v1",
    "kind": "AgentType",
    "metadata": {"name": "four-steps"},
    "spec": {
        "version": "1.0.0",
        "input": {
            "message_id": {"type": "string", "max_length": 255, "required": True},
            "sender": {"type": "string", "max_length": 320, "required": True},
            "subject": {"type": "string", "max_length": 998},
            "body": {"type": "text", "max_length": 10_000, "required": True},
            "urgency": {"type": "integer", "min": 1, "max": 5, "default": 1},
        },
        "tools": [{"name": name} for name in ("trim", "shout", "measure", "join")],
        "pipeline": [
            {"id": "trimmed", "tool": "trim", "with": {"text": "{{ input.body }}"}},
            {"id": "shouted", "tool": "shout", "with": {"text": "{{ steps.trimmed.text }}"}},
            {"id": "measured", "tool": "measure", "with": {"text": "{{ steps.shouted.text }}"}},
            {
                "id": "joined",
                "tool": "join",
                "with": {
                    "message_id": "{{ input.message_id }}",
                    "text": "{{ steps.shouted.text }}",
                    "words": "{{ steps.measured.words }}",
                    "urgency": "{{ input.urgency }}",
                },
            },
        ],
        "output": {
            "from": "joined",
            "fields": {
                "message_id": {"type": "string", "max_length": 255, "required": True},
                "category": {"type": "enum", "values": _CATEGORIES, "required": True},
                "summary": {"type": "string", "max_length": 600, "required": True},
                "words": {"type": "integer", "min": 0, "required": True},
                "urgency": {"type": "integer", "min": 1, "max": 5, "required": True},
            },
        },
    },
}


def pipeline(
    trim: Callable[[str], str],
    shout: Callable[[str], str],
    measure: Callable[[str], int],
    join: Callable[..., dict[str, Any]],
) -> Callable[[Task], Any]:
    """A function that runs one task after the other."""
    registry = ToolRegistry()
    text, words = result_field(FieldType.TEXT), result_field(FieldType.INTEGER)
    given = {"message_id": _TEXT, "text": _TEXT, "words": _WHOLE, "urgency": _WHOLE}
    joined = {"message_id": text, "category": text, "summary": text, "words": words, "urgency": words}
    for brought in (
        _tool(
            "trim",
            {"text": _TEXT},
            {"text": text},
            lambda tool, context, params: {"text": trim(params["text"])},
        ),
        _tool(
            "shout",
            {"text": _TEXT},
            {"text": text},
            lambda tool, context, params: {"text": shout(params["text"])},
        ),
        _tool(
            "measure",
            {"text": _TEXT},
            {"words": words},
            lambda tool, context, params: {"words": measure(params["text"])},
        ),
        _tool("join", given, joined, lambda tool, context, params: join(**params)),
    ):
        registry.register(brought)
    made = ProcessingPipeline(AgentType.model_validate(_TYPE), registry)
    settings: dict[str, Any] = {}
    nobody, nothing = (
        cast(Host, None),
        cast(Callable[[str], Runnable], None),
    )  # none of the four asks for either

    context = RunContext(nobody, ScriptedModel(), Network(), time.monotonic() + 3600, nothing)

    def run(task: Task) -> Any:
        result = made.run(task, settings, context)
        assert result.failure is None, result.failure
        return result.output

    return run


def task_of(given: Mapping[str, Any]) -> Task:
    return Task("0", "four-steps", given, "2026-01-01T00:00:00Z")


def _tool(
    name: str,
    parameters: Mapping[str, Parameter],
    result: Mapping[str, FieldSpec],
    work: Callable[[Tool, ToolContext, Mapping[str, Any]], Any],
) -> type[Tool]:
    declaration = ToolDeclaration(name, name, name, EffectClass.NONE, parameters, result)
    return type(name, (Tool,), {"declaration": declaration, "honours_deadline": True, "execute": work})

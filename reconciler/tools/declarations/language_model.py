"""The language model: a prompt in, validated fields (or plain text) out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.expressions.scope import Shape
from reconciler.expressions.template import has_expression
from reconciler.spec.fields import FieldType
from reconciler.spec.findings import Finding
from reconciler.tools.base import Capability, EffectClass, Parameter, Surroundings, ToolDeclaration
from reconciler.tools.fields import complete_shape, declared_fields


def _result(parameters: Mapping[str, Any], surroundings: Surroundings) -> Shape:
    if "output" not in parameters:
        return Shape("object", fields={"text": Shape("text")})
    fields = declared_fields(parameters["output"])
    return complete_shape(fields) if fields else Shape("any")


def model_name(name: str) -> str:
    """`llama3.2` and `llama3.2:latest` are the same model."""
    return name.removesuffix(":latest")


def _check(parameters: Mapping[str, Any], surroundings: Surroundings) -> Iterator[Finding]:
    grant, model = surroundings.grant, parameters.get("model")
    if grant is None or not isinstance(model, str) or has_expression(model):
        return
    granted = grant.models or []
    if model_name(model) not in {model_name(name) for name in granted}:
        yield Finding(
            "model-not-granted",
            f"the language model `{model}` is not granted to `llm_processor`",
            ("model",),
            f"granted: {', '.join(granted)}"
            if granted
            else f"add `models: [{model}]` to the grant in `tools`",
        )


LLM_PROCESSOR = ToolDeclaration(
    name="llm_processor",
    title="Language model",
    description="Asks a language model; its answer fits `output`, and without `output` is `text`.",
    effect=EffectClass.READ,
    implementation="reconciler.tools.llm_processor:LLMProcessor",
    capabilities=frozenset({Capability.LANGUAGE_MODEL}),
    parameters={
        "model": Parameter(FieldType.STRING, "Name of the model, as granted.", required=True, max_length=100),
        "prompt": Parameter("template", "What is asked.", required=True),
        "system": Parameter("template", "What the model is told about its part beforehand."),
        "output": Parameter("fields", "Fields of the answer.", static=True),
        "temperature": Parameter(FieldType.NUMBER, "0 answers the same every time.", default=0, min=0, max=2),
        "max_tokens": Parameter(FieldType.INTEGER, "Longest answer.", min=1, max=1_000_000),
    },
    result=_result,
    check=_check,
)

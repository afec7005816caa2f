"""The language model: a prompt in, validated fields (or plain text) out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.expressions.scope import Shape, shape_of_fields
from reconciler.expressions.template import has_expression
from reconciler.spec.fields import Fields, FieldType
from reconciler.spec.findings import Finding
from reconciler.tools.base import Capability, EffectClass, Parameter, Surroundings, ToolDeclaration
from reconciler.tools.fields import declared_fields


def _result(parameters: Mapping[str, Any], surroundings: Surroundings) -> Shape:
    if "output" not in parameters:
        return Shape("object", fields={"text": Shape("text")})
    fields = answer_fields(parameters["output"])
    return shape_of_fields(fields) if fields else Shape("any")


def answer_fields(output: Any) -> Fields | None:
    """The fields of an answer; None where they are broken. A model is made to fill in all of them: only one that says
    `required: false`, or has a default, may be left out."""
    fields = declared_fields(output)
    if fields is None:
        return None
    return {
        name: field
        if field.default is not None or "required" in field.model_fields_set
        else field.model_copy(update={"required": True})
        for name, field in fields.items()
    }


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
        "content": Parameter(
            "template",
            "What it is asked about, such as a stranger's mail: kept apart from the prompt, lest it be obeyed.",
        ),
        "system": Parameter("template", "What the model is told about its part beforehand."),
        "output": Parameter(
            "fields",
            "Fields of the answer, all of them required unless one says `required: false`.",
            static=True,
        ),
        "temperature": Parameter(FieldType.NUMBER, "0 answers the same every time.", default=0, min=0, max=2),
        "max_tokens": Parameter(FieldType.INTEGER, "Longest answer.", min=1, max=1_000_000),
        "context": Parameter(
            FieldType.INTEGER,
            "Tokens of prompt and answer together; not given, enough for the prompt.",
            min=256,
            max=10_000_000,
        ),
        "repairs": Parameter(
            FieldType.INTEGER,
            "How often an answer that does not fit `output` is given back to be put right.",
            default=2,
            min=0,
            max=10,
        ),
    },
    result=_result,
    check=_check,
)

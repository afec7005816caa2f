"""Reshaping values: no network, no table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.expressions.scope import Shape
from reconciler.tools.base import EffectClass, Parameter, Surroundings, ToolDeclaration


def _result(parameters: Mapping[str, Any], surroundings: Surroundings) -> Shape:
    values = parameters.get("values")
    if not isinstance(values, Mapping):
        return surroundings.shape_of(values) if isinstance(values, str) else Shape("any")
    return Shape("object", fields={str(name): surroundings.shape_of(value) for name, value in values.items()})


JSON_TRANSFORM = ToolDeclaration(
    name="json_transform",
    title="Transformation",
    description="Builds an object out of expressions; the steps behind it use its fields.",
    effect=EffectClass.NONE,
    implementation="reconciler.tools.json_transform:JsonTransform",
    parameters={"values": Parameter("mapping", "Result field -> value or expression.", required=True)},
    result=_result,
)

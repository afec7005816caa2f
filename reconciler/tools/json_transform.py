"""json_transform: an object out of expressions, which the pipeline has evaluated already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.tools.declarations.data import JSON_TRANSFORM
from reconciler.tools.tool import Tool, ToolContext


class JsonTransform(Tool):
    declaration = JSON_TRANSFORM
    honours_deadline = True

    def execute(self, context: ToolContext, params: Mapping[str, Any]) -> dict[str, Any]:
        return dict(params["values"])

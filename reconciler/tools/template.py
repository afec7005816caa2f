"""template: a text that the pipeline has filled with values already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.tools.declarations.text import TEMPLATE
from reconciler.tools.tool import Tool, ToolContext


class TemplateTool(Tool):
    declaration = TEMPLATE
    honours_deadline = True

    def execute(self, context: ToolContext, params: Mapping[str, Any]) -> dict[str, Any]:
        return {"text": params["template"]}

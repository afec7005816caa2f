"""database_reader: rows of the type's own tables, with what the task itself is about to write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.errors import BadParameter
from reconciler.tools.declarations.tables import DATABASE_READER
from reconciler.tools.tool import Tool, ToolContext


class DatabaseReader(Tool):
    declaration = DATABASE_READER
    honours_deadline = True

    def execute(self, context: ToolContext, params: Mapping[str, Any]) -> dict[str, Any]:
        try:
            rows = context.rows.read(
                params["model"],
                where=params.get("where"),
                fields=params.get("fields") or (),
                order_by=params.get("order_by") or (),
                limit=params["limit"],
            )
        except BadParameter as error:
            # Who answers the question knows its parts, and nothing of the step that asks.
            raise BadParameter(
                error.message, where=f"{context.step}/with/{error.where}", hint=error.hint
            ) from error
        return {"rows": rows, "count": len(rows), "first": rows[0] if rows else None}

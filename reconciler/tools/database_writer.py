"""database_writer: rows of the type's own tables, described now and committed with the task's end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.errors import BadParameter
from reconciler.tools.declarations.tables import DATABASE_WRITER
from reconciler.tools.tool import Tool, ToolContext


class DatabaseWriter(Tool):
    declaration = DATABASE_WRITER
    honours_deadline = True

    def execute(self, context: ToolContext, params: Mapping[str, Any]) -> dict[str, Any]:
        model, mode = params["model"], params["mode"]
        key = self._key(context, params)
        place = f"{context.step}/with"
        if ("values" in params) == ("rows" in params):
            raise BadParameter("give either `values`, for one row, or `rows`, for many", where=place)
        if "values" in params:
            return context.rows.write(model, mode, key, params["values"], where=f"{place}/values")
        written = [
            context.rows.write(model, mode, key, values, where=where)
            for where, values in _rows(context, params["rows"], f"{place}/rows")
        ]
        return {"rows": written, "count": len(written)}

    def _key(self, context: ToolContext, params: Mapping[str, Any]) -> tuple[str, ...]:
        key = tuple(params.get("key") or ())
        if params["mode"] != "insert" and not key:
            raise BadParameter(
                f"`mode: {params['mode']}` needs `key`, the fields that say which row",
                where=f"{context.step}/with",
            )
        return key if params["mode"] != "insert" else ()


def _rows(context: ToolContext, rows: list[Any], place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each row's values and their place; they may come from an expression, so that nobody has looked at them yet."""
    for index, values in enumerate(rows):
        context.remaining()
        where = f"{place}/{index}"
        if not isinstance(values, Mapping):
            raise BadParameter(f"/rows/{index}: must be an object of values by field", where=where)
        yield where, values

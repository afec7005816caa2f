"""The tools that steps call, from their declarations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.documentation.markdown import code, prose, table
from reconciler.documentation.wording import kind_of
from reconciler.tools.base import BOUNDED_BY, Parameter, ToolDeclaration
from reconciler.tools.declarations import BUILTIN_TOOLS


def tool_lines() -> Iterator[str]:
    yield from ("## Tools", "")
    yield "A step calls one with `tool` and `with`; the type must have a grant for it under `tools`."
    yield ""
    for tool in BUILTIN_TOOLS:
        yield from _tool(tool)


def tool_data() -> dict[str, Any]:
    return {
        tool.name: {
            "title": tool.title,
            "description": tool.description,
            "effect": tool.effect.value,
            "capabilities": sorted(tool.capabilities),
            "parameters": {
                name: {
                    "type": str(parameter.type),
                    "required": parameter.required,
                    "description": parameter.description,
                }
                for name, parameter in tool.parameters.items()
            },
            "result": [] if callable(tool.result) else list(tool.result),
        }
        for tool in BUILTIN_TOOLS
    }


def _tool(tool: ToolDeclaration) -> Iterator[str]:
    yield f"### {tool.name}"
    yield ""
    yield prose(tool.description)
    bounds = [bound for bound, capabilities in BOUNDED_BY.items() if capabilities & tool.capabilities]
    if bounds:
        yield f"Its grant is bounded by {' and '.join(code(bound) for bound in bounds)}."
    yield ""
    rows = [
        (code(name), str(parameter.type), _need(parameter), prose(_meaning(parameter)))
        for name, parameter in tool.parameters.items()
    ]
    yield from table(("Parameter", "Type", "Required, or default", "Meaning"), rows)
    if not callable(tool.result):
        results = [(code(n), kind_of(f), prose(f.description or "")) for n, f in tool.result.items()]
        yield from table(("Result", "Type", "Meaning"), results)


def _need(parameter: Parameter) -> str:
    if parameter.required:
        return "yes"
    return "" if parameter.default is None else code(str(parameter.default))


def _meaning(parameter: Parameter) -> str:
    said = [parameter.description] if parameter.description else []
    if parameter.values:
        said.append(f"One of {', '.join(parameter.values)}.")
    if parameter.static:
        said.append("No expressions.")
    return " ".join(said)

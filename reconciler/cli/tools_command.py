"""`reconcile tools`: what steps can call, with which parameters, and which agents may."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.agents_command import CAPABILITIES
from reconciler.cli.columns import aligned
from reconciler.cli.console import Console
from reconciler.cli.invocation import Invocation, shared_options
from reconciler.errors import UsageError
from reconciler.plans.render.ink import printable

if TYPE_CHECKING:
    from reconciler.tools.base import Parameter, ToolDeclaration


EFFECTS = ("none", "read", "write", "external")


@click.command()
@click.argument("name", required=False)
@click.option("--capability", type=click.Choice(CAPABILITIES), help="Only those that can reach this.")
@click.option("--effect", type=click.Choice(EFFECTS), help="Only those that do this much outside their task.")
@shared_options("database", "json", "debug")
def tools(invocation: Invocation, name: str | None, capability: str | None, effect: str | None) -> None:
    """List tools, their parameters, and who may use them.

    Without NAME all that are built in or installed; with it one, in full.
    """
    from reconciler.tools.base import Capability, EffectClass
    from reconciler.tools.registry import builtin_registry

    registry, console = builtin_registry(), invocation.console()
    if name is not None:
        if capability or effect:
            raise UsageError(
                "a tool is named, or they are chosen by what they do", hint="leave one of the two out"
            )
        _show(invocation, name, console)
        return
    found = registry.find(
        capability=Capability(capability) if capability else None,
        effect=EffectClass(effect) if effect else None,
    )
    broken = {other: registry.problem(other) for other in sorted(registry.names()) if not registry.get(other)}
    if console.json:
        told = [{"name": other, "problem": problem} for other, problem in broken.items()]
        console.document({"tools": [_document(tool) for tool in found], "broken": told})
        return
    if not found:
        console.lines(["No tool does."])
    rows = [(tool.name, tool.effect.value, _capabilities(tool), tool.title) for tool in found]
    console.lines(aligned(("TOOL", "EFFECT", "REACHES", "TITLE"), rows) if rows else [])
    for other, problem in broken.items():
        console.tell(f"{other} cannot be used: {printable(problem)}")


def _show(invocation: Invocation, name: str, console: Console) -> None:
    from reconciler.agents.listing import AgentFilter
    from reconciler.bootstrap import open_agent_registry
    from reconciler.errors import NotFound
    from reconciler.spec.findings import did_you_mean
    from reconciler.tools.registry import builtin_registry

    registry = builtin_registry()
    tool = registry.get(name)
    if tool is None:
        hint = registry.problem(name) or did_you_mean(name, registry.names())
        raise NotFound(f"there is no tool {name}", hint=hint)
    users = [agent.name for agent in open_agent_registry(invocation.settings()).list(AgentFilter(tool=name))]
    if console.json:
        console.document(_document(tool) | {"agents": users})
    else:
        console.lines(_lines(tool, users, console))


def _document(tool: ToolDeclaration) -> dict[str, Any]:
    return {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "effect": tool.effect.value,
        "capabilities": sorted(capability.value for capability in tool.capabilities),
        "parameters": {name: _parameter(parameter) for name, parameter in tool.parameters.items()},
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    """Without what is not said."""
    said = {
        "default": parameter.default,
        "values": list(parameter.values),
        "min": parameter.min,
        "max": parameter.max,
        "max_length": parameter.max_length,
        "items": str(parameter.items) if parameter.items else None,
    }
    return {
        "type": str(parameter.type),
        "description": parameter.description,
        "required": parameter.required,
        "static": parameter.static,
        **{name: value for name, value in said.items() if value not in (None, [])},
    }


def _lines(tool: ToolDeclaration, users: list[str], console: Console) -> Iterator[str]:
    yield f"{console.strong(tool.name)}  {tool.title}"
    yield printable(tool.description)
    yield ""
    yield f"Effect   {tool.effect.value}"
    yield f"Reaches  {_capabilities(tool)}"
    yield f"Used by  {', '.join(users) or 'no agent'}"
    yield ""
    rows = [
        (name, str(parameter.type), _need(parameter), printable(_about(parameter)))
        for name, parameter in tool.parameters.items()
    ]
    yield from aligned(("PARAMETER", "TYPE", "NEEDED", "MEANING"), rows)


def _need(parameter: Parameter) -> str:
    if parameter.required:
        return "required"
    return "optional" if parameter.default is None else f"default {parameter.default!r}"


def _about(parameter: Parameter) -> str:
    notes = []
    if parameter.values:
        notes.append(f"one of {', '.join(parameter.values)}")
    if parameter.min is not None or parameter.max is not None:
        low, high = ("" if bound is None else f"{bound:g}" for bound in (parameter.min, parameter.max))
        notes.append(f"{low}..{high}")
    if parameter.static:
        notes.append("no expressions")
    return " ".join(filter(None, (parameter.description, f"({'; '.join(notes)})" if notes else "")))


def _capabilities(tool: ToolDeclaration) -> str:
    return ", ".join(sorted(capability.value for capability in tool.capabilities)) or "-"

"""Grants: tools that exist, bounds that mean something, nothing granted that no step uses."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from reconciler.expressions.scope import Shape
from reconciler.expressions.template import has_expression
from reconciler.manifests.checks.values import Scope, check_texts
from reconciler.spec.agent_type import AgentType, Grant
from reconciler.spec.findings import Finding, Path, did_you_mean
from reconciler.spec.hosts import parse_host
from reconciler.spec.recipients import parse_recipient
from reconciler.tools.base import BOUNDED_BY, Capability, ToolDeclaration
from reconciler.tools.registry import ToolRegistry


def check_grants(
    agent_type: AgentType, registry: ToolRegistry, used: Collection[str], settings: Shape
) -> Iterator[Finding]:
    """`used` are the tools that steps name; `settings` is what the settings look like to expressions."""
    seen: set[str] = set()
    for index, grant in enumerate(agent_type.spec.tools):
        path: Path = ("spec", "tools", index)
        if grant.name in seen:
            yield Finding(
                "grant-repeats", f"`{grant.name}` is granted twice", (*path, "name"), "merge the two grants"
            )
        seen.add(grant.name)
        tool = registry.get(grant.name)
        if tool is None:
            yield unknown_tool(grant.name, registry, (*path, "name"))
            continue
        if grant.name not in used:
            message = f"`{grant.name}` is granted, but no step uses it"
            yield Finding("grant-unused", message, (*path, "name"), "remove the grant", "warning")
        yield from _check_bounds(grant, tool, path)
        yield from _check_names(agent_type, grant, tool, path)
        yield from _check_recipients(grant, path, settings)


def unknown_tool(name: str, registry: ToolRegistry, path: Path) -> Finding:
    broken = registry.problem(name)
    hint = broken or did_you_mean(name, registry.names())
    return Finding("unknown-tool", f"there is no tool `{name}`", path, hint)


def _check_bounds(grant: Grant, tool: ToolDeclaration, path: Path) -> Iterator[Finding]:
    for bound, capabilities in BOUNDED_BY.items():
        if getattr(grant, bound) is not None and not capabilities & tool.capabilities:
            message = f"`{bound}` bounds nothing that `{grant.name}` can do"
            yield Finding("bound-without-effect", message, (*path, bound), severity="warning", at_key=True)
    if grant.limits and grant.limits.tokens and Capability.LANGUAGE_MODEL not in tool.capabilities:
        message = f"`{grant.name}` uses no tokens"
        yield Finding(
            "bound-without-effect", message, (*path, "limits", "tokens"), severity="warning", at_key=True
        )


def _check_names(agent_type: AgentType, grant: Grant, tool: ToolDeclaration, path: Path) -> Iterator[Finding]:
    if grant.models and Capability.TABLES in tool.capabilities:
        for position, name in enumerate(grant.models):
            if name not in agent_type.spec.models:
                hint = did_you_mean(name, agent_type.spec.models)
                yield Finding(
                    "unknown-model", f"the type has no model `{name}`", (*path, "models", position), hint
                )
    for position, host in enumerate(grant.hosts or ()):
        pattern = parse_host(host)
        if pattern is None or not pattern.name:
            hint = "write `smtp.example.com`, or `*.example.com` for all below it"
            yield Finding("bad-host", f"`{host}` is no host", (*path, "hosts", position), hint)


def _check_recipients(grant: Grant, path: Path, settings: Shape) -> Iterator[Finding]:
    scope = Scope({"settings": settings})
    for position, recipient in enumerate(grant.recipients or ()):
        where = (*path, "recipients", position)
        if has_expression(recipient):
            yield from check_texts(recipient, where, scope)
        elif parse_recipient(recipient) is None:
            hint = "write `a@example.com`, `*@example.com` for a whole domain, or an expression of `settings`"
            yield Finding("bad-recipient", f"`{recipient}` is no mail address", where, hint)

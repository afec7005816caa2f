"""One call of a tool: the grant it needs, the parameters it takes, what it gives."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import Field, ValidationError

from reconciler.expressions.scope import Shape
from reconciler.expressions.template import has_expression, texts
from reconciler.manifests.checks.fields import check_fields
from reconciler.manifests.checks.grants import unknown_tool
from reconciler.manifests.checks.values import ANY, Scope, check_found, check_value
from reconciler.manifests.messages import findings_of
from reconciler.spec.agent_type import AgentType, Grant
from reconciler.spec.base import SpecModel
from reconciler.spec.fields import Fields, FieldSpec, FieldType
from reconciler.spec.findings import Finding, Path, did_you_mean
from reconciler.tools.base import Parameter, ToolDeclaration
from reconciler.tools.fields import declared_fields
from reconciler.tools.registry import ToolRegistry


@dataclass(frozen=True, slots=True)
class Contract:
    """What every call of a type's pipeline has in common."""

    agent_type: AgentType
    registry: ToolRegistry
    grants: Mapping[str, Grant]


@dataclass(frozen=True, slots=True)
class CallSite:
    """The `tools.base.Surroundings` of one call."""

    agent_type: AgentType
    grant: Grant | None
    scope: Scope

    def shape_of(self, value: Any) -> Shape:
        return self.scope.shape_of(value)

    def check_value(self, value: Any, field: FieldSpec, path: Path) -> Iterator[Finding]:
        return check_value(value, field, path, self.scope)


def check_call(
    tool_name: str, parameters: Mapping[str, Any], path: Path, contract: Contract, scope: Scope
) -> Generator[Finding, None, Shape]:
    """Yields findings and returns the shape of the result. `path` leads to what holds `tool` and `with`."""
    dynamic = [*texts(parameters)]
    yield from check_found(dynamic, (*path, "with"), scope)
    tool = contract.registry.get(tool_name)
    if tool is None:
        yield unknown_tool(tool_name, contract.registry, (*path, "tool"))
        return ANY
    grant = contract.grants.get(tool_name)
    if grant is None:
        hint = f"add `- {{name: {tool_name}}}` to `tools`"
        yield Finding("tool-not-granted", f"the tool `{tool_name}` is not granted", (*path, "tool"), hint)
    wrong = [*_check_static(tool, dynamic)]
    wrong += _check_parameters(tool, parameters, contract, scope, {f.path[0] for f in wrong})
    site = CallSite(contract.agent_type, grant, scope)
    if tool.check is not None and not any(finding.code in _DISTURBING for finding in wrong):
        wrong += tool.check(parameters, site)
    for finding in wrong:
        yield replace(finding, path=(*path, "with", *finding.path))
    return tool.shape(parameters, site)


class _FieldSpecs(SpecModel):
    fields: Fields = Field(min_length=1)


_DISTURBING = frozenset(
    {"value-missing", "value-type", "wrong-type", "value-not-allowed", "parameter-not-static"}
)
"""Findings about parameters after which a tool's own check would be told things it need not expect."""


def _check_static(tool: ToolDeclaration, dynamic: Iterable[tuple[Path, str]]) -> Iterator[Finding]:
    """`dynamic` are the texts with expressions among the parameters."""
    for path, _ in dynamic:
        parameter = tool.parameters.get(str(path[0]))
        if parameter is not None and parameter.static:
            message = f"`{path[0]}` must be known before anything runs; it cannot hold expressions"
            yield Finding("parameter-not-static", message, path)


def _check_parameters(
    tool: ToolDeclaration,
    given: Mapping[str, Any],
    contract: Contract,
    scope: Scope,
    refused: Collection[str | int],
) -> Iterator[Finding]:
    """`refused` are the parameters about which enough has been said."""
    for name in tool.required:
        if given.get(name) is None:
            yield Finding("missing-parameter", f"`{tool.name}` needs the parameter `{name}`", ())
    for name, value in given.items():
        parameter = tool.parameters.get(name)
        if parameter is None:
            hint = did_you_mean(name, tool.parameters)
            yield Finding(
                "unknown-parameter", f"`{tool.name}` has no parameter `{name}`", (name,), hint, at_key=True
            )
        elif value is not None and name not in refused:
            yield from _check_parameter(name, value, parameter, contract.agent_type, scope)


def _check_parameter(
    name: str, value: Any, parameter: Parameter, agent_type: AgentType, scope: Scope
) -> Iterator[Finding]:
    match parameter.type:
        case FieldType():
            if parameter.field is not None:
                yield from check_value(value, parameter.field, (name,), scope)
        case "any":
            pass
        case "template":
            if not isinstance(value, str):
                yield Finding("wrong-type", f"`{name}` must be a text", (name,), "put it in quotes")
        case "mapping":
            if not isinstance(value, dict) and not _may_be_object(value, scope):
                yield Finding("wrong-type", f"`{name}` must be an object", (name,))
        case "fields":
            yield from _check_field_specs(value, (name,))
        case "secret":
            yield from _check_secret(value, (name,), agent_type)


def _may_be_object(value: Any, scope: Scope) -> bool:
    return (
        isinstance(value, str)
        and has_expression(value)
        and scope.shape_of(value).type in ("any", "json", "object")
    )


def _check_field_specs(value: Any, path: Path) -> Iterator[Finding]:
    fields = declared_fields(value)
    if fields is not None:
        yield from check_fields(fields, path, "value")
        return
    holder = {"fields": value}
    try:
        _FieldSpecs.model_validate(holder)
    except ValidationError as error:
        for finding in findings_of(error, holder, _FieldSpecs):
            yield replace(finding, path=(*path, *finding.path[1:]))


def _check_secret(value: Any, path: Path, agent_type: AgentType) -> Iterator[Finding]:
    declared = agent_type.spec.secrets
    if not isinstance(value, str):
        yield Finding("wrong-type", "must be the name of a secret", path)
    elif value not in declared:
        hint = did_you_mean(value, declared) or "declare it in `secrets`; never write the secret itself"
        # The value is not repeated: somebody may have written the secret here.
        yield Finding("unknown-secret", "this is no name of a secret that the type declares", path, hint)

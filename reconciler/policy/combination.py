"""The lethal combination: an agent that sees private data, reads what strangers write, and has a way out.

Whoever writes what the agent reads may have it send away what it sees. Each two of the three are harmless; all three
deserve a thought, which `acknowledge: [lethal-combination]` in the type says was given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.spec.agent_type import AgentType, Grant
from reconciler.spec.fields import FieldSpec, FieldType
from reconciler.spec.findings import Finding, Path
from reconciler.spec.policy import Combination, Policy
from reconciler.spec.steps import Step, flat

CODE = "lethal-combination"

_FREE = frozenset({FieldType.TEXT, FieldType.JSON})
_SHORT = 100
"""Characters in which hardly anybody can be told to do something else."""


def lethal_combination(agent_type: AgentType, policies: Sequence[Policy]) -> Iterator[Finding]:
    """At most one finding, at the way out."""
    blocking = [p.name for p in policies if p.spec.lethal_combination is Combination.BLOCK]
    if CODE in agent_type.spec.acknowledge and not blocking:
        return
    private, untrusted = _private(agent_type), _untrusted(agent_type)
    out = next(_ways_out(agent_type), None)
    if not (private and untrusted and out):
        return
    told, path = out
    message = (
        f"{private}, {untrusted} and {told} together: what strangers write can have private data sent away"
    )
    if blocking:
        hint = f"policy `{blocking[0]}` does not allow all three in one type; split it, or take one away"
        yield Finding(CODE, message, path, hint)
    else:
        hint = "take one of the three away, or say that you know: `acknowledge: [lethal-combination]`"
        yield Finding(CODE, message, path, hint, "warning")


def _private(agent_type: AgentType) -> str:
    """What is private about it, in words; empty where nothing is."""
    spec = agent_type.spec
    groups = {"setting": spec.settings, "input": spec.input}
    groups |= {f"model {name}": model.fields for name, model in spec.models.items()}
    for what, fields in groups.items():
        for name, field in fields.items():
            if field.sensitive or field.encrypted:
                return f"private data (`{name}` of its {what})"
    if any(grant.name == "database_reader" for grant in spec.tools):
        return "private data (what database_reader reads)"
    return f"private data (the secret `{spec.secrets[0]}`)" if spec.secrets else ""


def _untrusted(agent_type: AgentType) -> str:
    """Where content of strangers comes in, in words; empty where none does."""
    granted = {grant.name for grant in agent_type.spec.tools}
    if "http_request" in granted:
        return "untrusted content (what http_request fetches)"
    if any(_action(call) != "send" for call in _calls(agent_type.spec.pipeline, "email_connector")):
        return "untrusted content (mail it reads)"
    free = next((name for name, field in agent_type.spec.input.items() if _is_free(field)), "")
    return f"untrusted content (its input `{free}`)" if free else ""


def _is_free(field: FieldSpec) -> bool:
    if field.type in _FREE:
        return True
    bounded = field.pattern is not None or field.format is not None
    return field.type is FieldType.STRING and not bounded and (field.max_length or _SHORT + 1) > _SHORT


def _ways_out(agent_type: AgentType) -> Iterator[tuple[str, Path]]:
    sends = any(_action(call) == "send" for call in _calls(agent_type.spec.pipeline, "email_connector"))
    for index, grant in enumerate(agent_type.spec.tools):
        path: Path = ("spec", "tools", index)
        if grant.name == "email_connector" and sends:
            yield "a way out (mail)", (*path, "name")
        elif grant.name == "http_request" and (wide := _wide_host(grant)) is not None:
            yield f"a way out (requests to `{(grant.hosts or [])[wide]}`)", (*path, "hosts", wide)


def _wide_host(grant: Grant) -> int | None:
    """The place of the first host that is a pattern."""
    return next((index for index, host in enumerate(grant.hosts or ()) if "*" in host), None)


def _action(parameters: Mapping[str, object]) -> object:
    return parameters.get("action") or "send"


def _calls(steps: Sequence[Step], tool: str) -> Iterator[Mapping[str, object]]:
    """Parameters of all calls of a tool, in fallbacks and branches too."""
    for step in flat(steps):
        if step.tool == tool:
            yield step.with_
        if step.fallback is not None and step.fallback.tool == tool:
            yield step.fallback.with_

"""A type against the ceilings and every policy; each finding names the policy that says no."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, get_args

from reconciler.errors import ExpressionError
from reconciler.policy.ceilings import CEILINGS
from reconciler.policy.combination import lethal_combination
from reconciler.policy.complexity import Measure, excesses
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType, Grant
from reconciler.spec.base import format_duration, format_size
from reconciler.spec.findings import Finding, Path, did_you_mean
from reconciler.spec.hosts import parse_host
from reconciler.spec.limits import Limits, PolicyLimits
from reconciler.spec.policy import Policy
from reconciler.spec.recipients import Recipient, parse_recipient

TABLE_TOOLS = frozenset({"database_reader", "database_writer"})
"""Tools whose granted `models` are tables; those of every other tool are language models."""


def check_policy(agent_type: AgentType, policies: Sequence[Policy]) -> list[Finding]:
    """What the type asks for beyond what is allowed. All policies hold at once; the ceilings always hold."""
    return Rules(policies).check(agent_type)


class Rules:
    """The ceilings and some policies, for many types to be checked against."""

    def __init__(self, policies: Sequence[Policy]) -> None:
        self._policies = policies
        self._bounds = [(f"policy `{policy.name}`", policy.spec.limits) for policy in policies]
        self._bounds.append(("built-in ceiling", CEILINGS))
        self._lowest = {name: _lowest(name, self._bounds) for name in get_args(Measure)}
        self._most = {name: bound for name, (_, bound) in self._lowest.items()}

    def check(self, agent_type: AgentType) -> list[Finding]:
        found: list[Finding] = []
        for policy in self._policies:
            for index, grant in enumerate(agent_type.spec.tools):
                found += _check_grant(grant, policy, ("spec", "tools", index))
            if policy.spec.tables is not None:
                found += _check_tables(agent_type, policy.name, policy.spec.tables)
        found += _check_limits(agent_type.spec.limits, self._bounds)
        found += self._check_complexity(agent_type)
        found += lethal_combination(agent_type, self._policies)
        return found

    def check_agent(self, agent: Agent, agent_type: AgentType) -> list[Finding]:
        """What the agent's settings make of its type: mail to somebody whom a policy does not allow."""
        settings = {**dict.fromkeys(agent_type.spec.settings), **_defaults(agent_type), **agent.spec.settings}
        found: list[Finding] = []
        for policy in self._policies:
            if policy.spec.recipients is not None:
                found += _check_settings(agent_type, settings, policy.name, policy.spec.recipients)
        return found

    def _check_complexity(self, agent_type: AgentType) -> Iterator[Finding]:
        for measure, count, path in excesses(agent_type, self._most):
            owner, bound = self._lowest[measure]
            allowed = f"the {owner} allows {_shown(measure, bound)}"
            yield Finding("too-complex", f"{_NOUNS[measure]}: {_shown(measure, count)}; {allowed}", path)


def _check_grant(grant: Grant, policy: Policy, path: Path) -> Iterator[Finding]:
    rules, spec = policy.spec.tools, policy.spec
    if grant.name in rules.deny or (rules.allow is not None and grant.name not in rules.allow):
        hint = "" if rules.allow is None else "allowed: " + (", ".join(rules.allow) or "no tool")
        yield Finding(
            "policy-tool",
            f"policy `{policy.name}` does not allow the tool `{grant.name}`",
            (*path, "name"),
            hint,
        )
    if spec.hosts is not None:
        yield from _check_hosts(grant, policy.name, spec.hosts, path)
    if spec.recipients is not None:
        yield from _check_recipients(grant, policy.name, spec.recipients, path)
    if spec.models is not None and grant.name not in TABLE_TOOLS:
        yield from _check_models(grant, policy.name, spec.models, path)


def _check_hosts(grant: Grant, policy: str, allowed: Collection[str], path: Path) -> Iterator[Finding]:
    patterns = [pattern for text in allowed if (pattern := parse_host(text))]
    for index, text in enumerate(grant.hosts or ()):
        host = parse_host(text)
        # What is no host is refused as such elsewhere; here it must not pass as an allowed one.
        if host is None or not any(pattern.covers(host) for pattern in patterns):
            hint = "allowed: " + (", ".join(allowed) or "no host")
            yield Finding(
                "policy-host",
                f"policy `{policy}` does not allow the host `{text}`",
                (*path, "hosts", index),
                hint,
            )


def _check_recipients(grant: Grant, policy: str, allowed: Collection[str], path: Path) -> Iterator[Finding]:
    patterns = [pattern for text in allowed if (pattern := parse_recipient(text))]
    for index, text in enumerate(grant.recipients or ()):
        if "{{" in text:
            continue  # known only when an agent's settings are
        if not _is_allowed(text, patterns):
            hint = "allowed: " + (", ".join(allowed) or "nobody")
            message = f"policy `{policy}` does not allow mail to `{text}`"
            yield Finding("policy-recipient", message, (*path, "recipients", index), hint)


def _check_settings(
    agent_type: AgentType, settings: dict[str, Any], policy: str, allowed: Collection[str]
) -> Iterator[Finding]:
    """Recipients that are expressions of settings, with these settings."""
    from reconciler.expressions.nested import evaluate_value

    patterns = [pattern for text in allowed if (pattern := parse_recipient(text))]
    for text in (text for grant in agent_type.spec.tools for text in grant.recipients or () if "{{" in text):
        try:
            value = evaluate_value(text, {"settings": settings})
        except ExpressionError:
            continue  # the type's own checks tell of it
        for recipient in value if isinstance(value, list) else [value]:
            if isinstance(recipient, str) and recipient.strip() and not _is_allowed(recipient, patterns):
                hint = "allowed: " + (", ".join(allowed) or "nobody")
                message = f"with these settings mail goes to an address that policy `{policy}` does not allow"
                yield Finding("policy-recipient", message, ("spec", "settings"), hint)


def _defaults(agent_type: AgentType) -> dict[str, Any]:
    fields = agent_type.spec.settings
    return {name: field.default for name, field in fields.items() if field.default is not None}


def _is_allowed(text: str, patterns: Collection[Recipient]) -> bool:
    recipient = parse_recipient(text)
    return recipient is not None and any(pattern.covers(recipient) for pattern in patterns)


def _check_models(grant: Grant, policy: str, allowed: Collection[str], path: Path) -> Iterator[Finding]:
    known = {_untagged(name) for name in allowed}
    for index, name in enumerate(grant.models or ()):
        if _untagged(name) not in known:
            hint = did_you_mean(name, allowed) or "no language model is allowed"
            message = f"policy `{policy}` does not allow the language model `{name}`"
            yield Finding("policy-model", message, (*path, "models", index), hint)


def _check_tables(agent_type: AgentType, policy: str, allowed: Collection[str]) -> Iterator[Finding]:
    """Of other types: what is a type's own needs nobody's leave."""
    for path, fields in agent_type.field_groups():
        for name, field in fields.items():
            owner, _, model = (field.model or "").rpartition(".")
            if owner in ("", agent_type.name) or {"*", f"{owner}.*", f"{owner}.{model}"} & {*allowed}:
                continue
            hint = "allowed: " + (", ".join(allowed) or "no table of another type")
            message = f"policy `{policy}` does not allow references to the table `{field.model}`"
            yield Finding("policy-table", message, (*path, name, "model"), hint)


def _untagged(model: str) -> str:
    return model.removesuffix(":latest")


def _check_limits(limits: Limits, bounds: Sequence[tuple[str, PolicyLimits]]) -> Iterator[Finding]:
    """A limit that is not set is not judged: the run takes the smallest bound for it."""
    for name in limits.model_fields_set:
        wanted = getattr(limits, name)
        for owner, allowed in bounds:
            bound = getattr(allowed, name)
            if wanted is not None and bound is not None and wanted > bound:
                message = f"`{name}` is {_shown(name, wanted)}; the {owner} allows {_shown(name, bound)}"
                yield Finding("policy-limit", message, ("spec", "limits", name))


def _lowest(name: Measure, bounds: Sequence[tuple[str, PolicyLimits]]) -> tuple[str, int]:
    given = [(owner, getattr(allowed, name)) for owner, allowed in bounds]
    return min(((owner, bound) for owner, bound in given if bound is not None), key=lambda pair: pair[1])


_NOUNS: dict[Measure, str] = {
    "fields": "number of fields",
    "models": "number of models",
    "steps": "number of steps",
    "nesting": "depth of nesting",
    "enum_values": "number of enum values",
    "text_bytes": "length of a text",
    "indexes": "number of indexes",
}


def _shown(name: str, value: float) -> str:
    if name in ("timeout", "cpu"):
        return format_duration(value)
    return format_size(int(value)) if name in ("memory", "output_bytes", "text_bytes") else str(value)

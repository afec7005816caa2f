"""Specs to canonical text and back. Apart from `spec.state`: states are compared without the spec models."""

from __future__ import annotations

import json
from collections.abc import Mapping

from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from reconciler.spec.policy import Policy
from reconciler.spec.state import KIND_OF, Entry, Location, State, digest_of

Spec = AgentType | Agent | Policy
SPEC_OF: dict[str, type[AgentType] | type[Agent] | type[Policy]] = {
    "type": AgentType,
    "agent": Agent,
    "policy": Policy,
}

# Made once: `json.dumps` makes an encoder at each call that is not its default.
_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False
).encode


def address_of(spec: Spec) -> str:
    """`type/NAME`, `agent/NAME` or `policy/NAME`."""
    return f"{KIND_OF[spec.kind]}/{spec.name}"


def canonical(spec: Spec) -> str:
    """The spec as JSON with sorted keys and without defaults: equal text means equal meaning."""
    data = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return _encode(data)


def parse_canonical(kind: str, text: str) -> Spec:
    """The inverse of `canonical`; `kind` is `type`, `agent` or `policy`."""
    # Python mode on parsed JSON: the validator's JSON mode would refuse what strictness allows from YAML.
    return SPEC_OF[kind].model_validate(json.loads(text))


def state_of(specs: list[Spec], locations: Mapping[str, Location] | None = None) -> State:
    """A state held in memory; for tests, the API's previews and rollback."""
    by_address = {address_of(spec): spec for spec in specs}
    entries = {a: Entry(digest_of(canonical(s)), (locations or {}).get(a)) for a, s in by_address.items()}
    return State(entries, by_address.__getitem__)

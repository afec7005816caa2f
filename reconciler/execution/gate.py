"""The gate before tasks: what policies demand of a host, and what an operator's pinned policies forbid here and now.

Policies of the source have judged every type before it was applied. A policy that was pinned since has not: so it is
asked again before each task, of the type's grants, and of recipients that come from settings. It may be changed at any
time: each task is judged by what is pinned when it is about to begin, and none begins while that cannot be told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import structlog

from reconciler.database.json_text import from_json
from reconciler.errors import Denied, ReconcilerError, Refused
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from reconciler.spec.codec import parse_canonical
from reconciler.spec.policy import Policy, Sandbox
from reconciler.spec.task import Failure

if TYPE_CHECKING:
    from reconciler.database.connection import Connection
    from reconciler.database.tasks import Claimed
    from reconciler.manifests.pinned import Pinned

_LEVELS = [*Sandbox]
_log = structlog.get_logger(__name__)


class Gate:
    """`level` is what confines tasks here, None where nothing does; `pinned` are the policies of the operator, or where
    they come from."""

    def __init__(self, level: Sandbox | None, pinned: Pinned | Sequence[Policy] = ()) -> None:
        """Raises UsageError, ManifestsInvalid where the pinned policies are not in order."""
        self._level = level
        self._source = None if isinstance(pinned, Sequence) else pinned
        self._pinned = tuple(pinned if isinstance(pinned, Sequence) else pinned.policies)
        self._judged = lru_cache(512)(self._judge)
        self._shut = ""
        self._passed: str | None = None
        """The recorded policies whose demands this host was found to meet last, as `Claimed.policies`."""

    @property
    def incident_rules(self) -> tuple[str, ...]:
        """How many incidents the pinned policies allow."""
        rules = (policy.spec.incidents.disable_after for policy in self._pinned)
        return tuple(rule for rule in rules if rule)

    def follow(self) -> None:
        """Judge by what is pinned now. Raises UsageError, ManifestsInvalid where that is not in order."""
        if self._source is None or (now := self._source.now()) is self._source:
            return
        self._pinned = now.policies
        self._source, self._passed = now, None
        self._judged = lru_cache(512)(self._judge)

    def shut(self) -> bool:
        """Whether no task may begin now, whatever it is, as the pinned policies are not in order; why is logged."""
        why = ""
        try:
            self.follow()
        except ReconcilerError as error:
            why = error.message
        if why and why != self._shut:
            _log.warning("no task begins", reason=why)
        self._shut = why
        return bool(why)

    def check_host(self, connection: Connection) -> None:
        """Raises Refused where a policy demands more than confines tasks here, and as `follow` does."""
        self.follow()
        self._passed = None
        recorded, digests = _recorded(connection)
        for name, demanded in [*((policy.name, policy.spec.sandbox) for policy in self._pinned), *recorded]:
            if demanded is not None and (self._level is None or _rank(self._level) < _rank(demanded)):
                offered = f"offers `{self._level.value}`" if self._level else "runs them in its own process"
                raise Refused(
                    f"policy `{name}` demands the sandbox `{demanded.value}` for tasks, and this host {offered}",
                    hint="reconcile doctor tells what this kernel can enforce; tasks are run by `reconcile worker`",
                )
        self._passed = digests

    @property
    def passed(self) -> bool:
        """Whether this host did when it was checked last."""
        return self._passed is not None

    def admits(self, claimed: Claimed) -> bool:
        """Whether this host meets what was demanded at the moment of a claim; if not, or if that is not known,
        `check_host` says more."""
        return self._passed is not None and claimed.policies == self._passed

    def refusal(self, claimed: Claimed) -> Failure | None:
        """Why a task must not run; None where it may."""
        blueprint = claimed.blueprint
        if not self._pinned or not blueprint.type_text:
            return None
        settings = tuple(sorted((name, repr(value)) for name, value in claimed.task.settings.items()))
        return self._judged(
            _Texts(blueprint.type_text, blueprint.agent_text, claimed.task.settings, settings)
        )

    def _judge(self, texts: _Texts) -> Failure | None:
        from reconciler.policy.check import Rules

        agent_type, agent = _parsed(texts)
        rules = Rules(self._pinned)
        found = [*rules.check(agent_type), *(rules.check_agent(agent, agent_type) if agent else [])]
        wrong = next((finding for finding in found if finding.severity == "error"), None)
        if wrong is None:
            return None
        return Failure(Denied.code, f"{wrong.message} ({wrong.code})", hint=wrong.hint)


class _Texts:
    """What a verdict depends on, compared by what can be compared."""

    __slots__ = ("agent_text", "key", "settings", "type_text")

    def __init__(self, type_text: str, agent_text: str, settings: Mapping[str, Any], key: object) -> None:
        self.type_text, self.agent_text, self.settings = type_text, agent_text, settings
        self.key = (type_text, agent_text, key)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Texts) and other.key == self.key


def _parsed(texts: _Texts) -> tuple[AgentType, Agent | None]:
    """The agent has the task's settings for its own."""
    agent_type = parse_canonical("type", texts.type_text)
    agent = parse_canonical("agent", texts.agent_text) if texts.agent_text else None
    assert isinstance(agent_type, AgentType), "the text of a type is that of one"
    if not isinstance(agent, Agent):
        return agent_type, None
    settings = {**agent.spec.settings, **texts.settings}
    return agent_type, agent.model_copy(update={"spec": agent.spec.model_copy(update={"settings": settings})})


def _recorded(connection: Connection) -> tuple[list[tuple[str, Sandbox | None]], str]:
    """What the policies that were applied demand, and their digests."""
    rows = connection.execute("SELECT name, spec, digest FROM policies ORDER BY name")
    return [_demanded(name, spec) for name, spec, _ in rows], ",".join(digest for *_, digest in rows)


@lru_cache(64)
def _demanded(name: str, text: str) -> tuple[str, Sandbox | None]:
    found = from_json(text)["spec"].get("sandbox")
    return name, Sandbox(found) if found else None


def _rank(level: Sandbox) -> int:
    return _LEVELS.index(level)

"""Versions of a type, and what changed from one to the next, in the words in which a plan judges them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.plans.contract import Level, Move, moves
from reconciler.spec.agent_type import AgentType, semver_key


@dataclass(frozen=True, slots=True)
class VersionStep:
    """A version and how it differs from the one before; of the first nothing is said."""

    version: str
    level: Level
    moves: tuple[Move, ...]


def version_steps(agent_type: AgentType, others: Sequence[AgentType]) -> list[VersionStep]:
    """All versions, newest first. `others` may include the type itself, and be in any order."""
    by_version = {other.spec.version: other for other in others} | {agent_type.spec.version: agent_type}
    ordered = sorted(by_version.values(), key=lambda found: semver_key(found.spec.version))
    steps = [VersionStep(ordered[0].spec.version, Level.NONE, ())]
    for before, after in itertools.pairwise(ordered):
        found = tuple(moves(before, after))
        level = max((move.level for move in found), default=Level.NONE)
        steps.append(VersionStep(after.spec.version, level, found))
    return steps[::-1]

"""Contests of pipelines: four trivial steps with validated ends, beside plain calls and beside other frameworks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.contest import AtMost, Contender, Contest, Goal, TimesFaster
from tests.benchmarks.installing import python_environment
from tests.benchmarks.stage import Stage

_PEERS = ("haystack-ai>=3,<4", "langgraph>=1,<2", "pydantic-graph>=2,<3")
_PROGRAM = Path(__file__).with_name("four_steps.py")
_QUIET = {
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "LANGSMITH_TRACING": "false",
    "LOGFIRE_SEND_TO_LOGFIRE": "false",
}
_FAST, _SLOW = ("10000", "5"), ("300", "5")
"""Runs in a block, and blocks: as many as take about a second."""


def beside_plain_calls(stage: Stage) -> Contest:
    """The same functions called one after the other, between the same validations by pydantic."""
    theirs = Contender(
        "plain calls + pydantic", (sys.executable, str(_PROGRAM), "plain", *_FAST), own_clock=True
    )
    return _contest(theirs, AtMost(4))


def beside(stage: Stage, peer: str) -> Contest:
    python = python_environment(stage.peers, "pipelines", *_PEERS) / "python"
    command: Sequence[str] = (str(python), str(_PROGRAM), peer, *_SLOW)
    return _contest(Contender(peer, command, environment=_QUIET, own_clock=True), TimesFaster(15))


def _contest(theirs: Contender, goal: Goal) -> Contest:
    ours = Contender(
        "ours", (sys.executable, "-m", "tests.benchmarks.four_steps", "ours", *_FAST), own_clock=True
    )
    return Contest("1,000 runs of four trivial steps, validated", ours, theirs, goal)

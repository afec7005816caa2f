"""What is compared with what, how much better it has to be, and whether it was. Pure values."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MEGABYTE = 1_000_000


class PeerMissingError(Exception):
    """A peer cannot be measured here; the text says why."""


def nothing() -> None:
    """There is nothing to prepare."""


@dataclass(frozen=True)
class Contender:
    """A program to be timed as a whole process.

    `before` runs ahead of every run, untimed. `exits` are the exit codes of a run that did its work and
    `says` stands in its output then. With `own_clock`, the last line of its output is the seconds that count.
    """

    name: str
    command: Sequence[str]
    before: Callable[[], None] = nothing
    folder: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    exits: frozenset[int] = frozenset({0})
    says: str = ""
    own_clock: bool = False


@dataclass(frozen=True)
class AtMost:
    """Ours takes at most `times` as long."""

    times: float

    def ratio(self, ours: float, theirs: float) -> float:
        return ours / theirs

    def met(self, ours: float, theirs: float) -> bool:
        return self.ratio(ours, theirs) <= self.times

    def __str__(self) -> str:
        return f"≤ {self.times:g}×"


@dataclass(frozen=True)
class TimesFaster:
    """Theirs takes at least `times` as long."""

    times: float

    def ratio(self, ours: float, theirs: float) -> float:
        return theirs / ours

    def met(self, ours: float, theirs: float) -> bool:
        return self.ratio(ours, theirs) >= self.times

    def __str__(self) -> str:
        return f"≥ {self.times:g}× faster"


@dataclass(frozen=True)
class Within:
    """Ours takes at most `seconds` longer."""

    seconds: float

    def ratio(self, ours: float, theirs: float) -> float:
        return ours / theirs

    def met(self, ours: float, theirs: float) -> bool:
        return ours - theirs <= self.seconds

    def __str__(self) -> str:
        return f"≤ +{self.seconds * 1000:.0f} ms"


Goal = AtMost | TimesFaster | Within


@dataclass(frozen=True)
class Contest:
    """`peak` is the most memory ours may take, in bytes. `after` puts back what the runs have changed."""

    title: str
    ours: Contender
    theirs: Contender
    goal: Goal
    peak: int | None = None
    after: Callable[[], None] = nothing


@dataclass(frozen=True)
class Sample:
    """One run: seconds on the wall and of the processors, bytes of the largest process."""

    seconds: float
    cpu: float
    peak: int


@dataclass(frozen=True)
class Outcome:
    """The runs of a contest, in the order in which they took turns."""

    contest: Contest
    ours: tuple[Sample, ...]
    theirs: tuple[Sample, ...]

    @property
    def our_seconds(self) -> float:
        return statistics.median(sample.seconds for sample in self.ours)

    @property
    def their_seconds(self) -> float:
        return statistics.median(sample.seconds for sample in self.theirs)

    @property
    def peak(self) -> int:
        return max(sample.peak for sample in self.ours)

    @property
    def ratio(self) -> float:
        return self.contest.goal.ratio(self.our_seconds, self.their_seconds)

    @property
    def quiet_ratio(self) -> float:
        """Of the fastest runs: those that other work on the machine has held up least."""
        ours, theirs = (min(s.seconds for s in samples) for samples in (self.ours, self.theirs))
        return self.contest.goal.ratio(ours, theirs)

    @property
    def met(self) -> bool:
        light = self.contest.peak is None or self.peak <= self.contest.peak
        return light and self.contest.goal.met(self.our_seconds, self.their_seconds)

    def as_json(self) -> dict[str, Any]:
        contest = self.contest
        return {
            "title": contest.title,
            "goal": str(contest.goal),
            "peak_goal_bytes": contest.peak,
            "ratio": self.ratio,
            "quiet_ratio": self.quiet_ratio,
            "met": self.met,
            "ours": _as_json(contest.ours, self.ours),
            "theirs": _as_json(contest.theirs, self.theirs),
        }


def _as_json(contender: Contender, samples: Sequence[Sample]) -> dict[str, Any]:
    return {
        "name": contender.name,
        "command": list(contender.command),
        "median_seconds": statistics.median(sample.seconds for sample in samples),
        "runs": [vars(sample) for sample in samples],
    }


@dataclass(frozen=True)
class NotRun:
    """A contest that could not be held: a peer is missing on this machine, or a contender failed."""

    title: str
    reason: str
    failed: bool = False

    def as_json(self) -> dict[str, Any]:
        return {"title": self.title, "not_run": self.reason}

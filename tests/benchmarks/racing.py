"""Timing: whole processes, taking turns, so that whatever else the machine does falls on both alike."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.contest import Contender, Contest, Outcome, Sample

ROOT = Path(__file__).parents[2]
_STOPWATCH = Path(__file__).with_name("stopwatch.py")
_LEFT_OUT = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONPROFILEIMPORTTIME", "PYTHONDEVMODE")
"""What would slow down the children of a shell that sets it."""


class RunFailedError(Exception):
    """A contender did not do what was to be measured."""


def environment(**more: str) -> dict[str, str]:
    """Of a child: as ours, without what slows Python down."""
    return {name: value for name, value in os.environ.items() if name not in _LEFT_OUT} | more


FEWEST_ROUNDS = 3
"""So many, however long they take: a median of less says little."""


def race(contest: Contest, rounds: int, patience: float = math.inf) -> Outcome:
    """A B A B …, after one turn each that does not count: it fills the caches of system and programs.

    No new round begins after `patience` seconds, unless it is one of the fewest there must be.
    """
    ours: list[Sample] = []
    theirs: list[Sample] = []
    began = time.monotonic()
    try:
        for number in range(rounds + 1):
            if number > FEWEST_ROUNDS and time.monotonic() - began > patience:
                break
            for contender, samples in ((contest.ours, ours), (contest.theirs, theirs)):
                sample = run(contender)
                if number:
                    samples.append(sample)
    finally:
        contest.after()
    return Outcome(contest, tuple(ours), tuple(theirs))


def run(contender: Contender) -> Sample:
    """One run. Raises RunFailedError."""
    contender.before()
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(_STOPWATCH), report.name, *contender.command],
            cwd=contender.folder or ROOT,
            env=environment(**contender.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode not in contender.exits or contender.says not in done.stdout:
            raise RunFailedError(_failure(contender, done))
        sample = Sample(**json.loads(Path(report.name).read_text()))
    if contender.own_clock:
        return replace(sample, seconds=float(done.stdout.split()[-1]))
    return sample


def _failure(contender: Contender, done: subprocess.CompletedProcess[str]) -> str:
    """What happened in one line, then the end of its output."""
    missing = f" without saying {contender.says!r}" if contender.says not in done.stdout else ""
    tail = done.stdout.splitlines()[-20:]
    return "\n".join([f"{contender.name} ended with {done.returncode}{missing}", *tail])

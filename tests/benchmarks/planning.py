"""Contests of the command line and of plans, against the least that a program could do."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path

from tests.benchmarks.contest import MEGABYTE, AtMost, Contender, Contest, Within
from tests.benchmarks.generate import mutate
from tests.benchmarks.racing import run
from tests.benchmarks.stage import Dialect, Stage, reconcile, script


def help_text(stage: Stage) -> Contest:
    return Contest(
        "reconcile --help",
        Contender("reconcile --help", (reconcile(), "--help"), says="--apply"),
        Contender("import click", (sys.executable, "-c", "import click")),
        Within(0.060),
    )


def warm_plan(stage: Stage, dialect: Dialect) -> Contest:
    source = stage.large_source()
    return Contest(
        f"warm plan without changes, {_files(stage)}, {dialect}",
        stage.warm_plan(source, dialect),
        _stats(stage, source),
        AtMost(3),
        peak=150 * MEGABYTE,
    )


def warm_plan_of_many_types(stage: Stage) -> Contest:
    source = stage.many_types()
    return Contest(
        f"warm plan without changes, {stage.sizes.many:,} types, postgresql",
        stage.warm_plan(source, "postgresql"),
        _stats(stage, source),
        AtMost(3),
        peak=150 * MEGABYTE,
    )


def changed_file(stage: Stage, dialect: Dialect) -> Contest:
    """Another edit of the same type before each run."""
    source = stage.large_source()
    stage.warm_plan(source, dialect)
    edited = sorted((source / "types").glob("*.yaml"))[0]
    original = edited.read_bytes()
    floor = _stats(stage, source)
    mutate(source, "one")
    mutated, edits = edited.read_text(), count(1)

    def edit() -> None:
        edited.write_text(mutated.replace("  title: ", f"  title: Edit {next(edits)} of ", 1))

    def put_back() -> None:
        edited.write_bytes(original)

    ours = stage.ours(source, stage.applied(source, dialect), "--plan")
    return Contest(
        f"plan with one changed file, {_files(stage)}, {dialect}",
        replace(ours, before=edit, says="Plan: 1 to add, 1 to change, 0 to destroy."),
        floor,
        AtMost(4),
        after=put_back,
    )


def cold_plan(stage: Stage, dialect: Dialect, *, applied: bool) -> Contest:
    """Without a cache: every manifest is read, checked and linked."""
    source = stage.large_source()
    cache = stage.folder / "cold-cache"
    database = stage.applied(source, dialect) if applied else stage.new_database(dialect)
    ours = stage.ours(source, database, "--plan", cache=cache)
    return Contest(
        f"cold plan, {_files(stage)}, {'applied' if applied else 'empty'} {dialect}",
        replace(
            ours,
            before=lambda: shutil.rmtree(cache, ignore_errors=True),
            says="to add, 0 to change, 0 to destroy.",
        ),
        replace(script("parse_yaml.py", str(source)), name="yaml.load(CSafeLoader)"),
        AtMost(0.5),
    )


def _stats(stage: Stage, source: Path) -> Contender:
    """The floor: files are stat'ed and compared with an index, which the first run writes."""
    index = stage.new_folder("floor") / "index"
    floor = replace(script("floor.py", str(source), str(index)), name="stat + index", exits=frozenset({0, 1}))
    run(floor)
    return floor


def _files(stage: Stage) -> str:
    return f"{stage.sizes.types + stage.sizes.agents:,} files"

"""How a controller's pass grows with what it looks after, on the shapes that peers have published figures for.

Those figures are of other things on other machines, for proportion only:

- Flux 2.6 (fluxcd/flux-benchmark, RESULTS.md, 2025), 16 processors: all of so many Kustomizations reconciled after each
  got another version: 100 in 28 s, 500 in 122 s, 1,000 in 256 s; HelmReleases 27, 165 and 492 s.
- Argo CD 2.8 (cnoe.io, "Argo CD Benchmarking Part 2", 21 November 2023), 10 shards on 8 processors: a sync of 10,000
  applications of one ConfigMap each, 100 clusters, 9 minutes; on the defaults of its client, 15,000 in 61.5 minutes.
- Terraform (hashicorp/terraform, issues 18981 of 2018 and 22617 of 2019, as users reported them): a plan of about 2,900
  resources 20 to 25 minutes; a refresh of 1,526 data sources 2 to 3 minutes, though nothing had changed.

Each contest is ours against ours: ten times as many objects, a tenth of them types with tables. A pass without news
and one with a single change may cost more by what the stat of the files takes, which is taken out; one in which
everything changed, at most as many times more as there are objects more.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.benchmarks.contest import AtMost, Contender, Contest, Within
from tests.benchmarks.generate import write_manifests
from tests.benchmarks.stage import SEED, Dialect, Stage, python

SHAPES = (100, 1_000, 10_000)
TYPES = 10
"""One type to so many objects."""
GROWTH = 10
ROUNDS = {"none": 9, "one": 5, "all": 1}
NOISE = 0.05
"""Seconds by which a pass may be longer that is to be independent of the count."""
SOME_MORE = 1.1
"""So many times what is linear is called linear still."""


def unchanged(stage: Stage, count: int, dialect: Dialect) -> Contest:
    return _beside_a_tenth(stage, "none", count, dialect)


def one_changed(stage: Stage, count: int, dialect: Dialect) -> Contest:
    return _beside_a_tenth(stage, "one", count, dialect)


def all_changed(stage: Stage, count: int, dialect: Dialect) -> Contest:
    return _beside_a_tenth(stage, "all", count, dialect)


def _beside_a_tenth(stage: Stage, way: str, count: int, dialect: Dialect) -> Contest:
    few, many = (_pass(stage, way, objects, dialect) for objects in (count // GROWTH, count))
    goal = AtMost(GROWTH * SOME_MORE) if way == "all" else Within(NOISE)
    but = "" if way == "all" else ", less the stat"
    return Contest(f"pass over {count:,} objects, {way} changed{but}, {dialect}", many, few, goal)


def _pass(stage: Stage, way: str, objects: int, dialect: Dialect) -> Contender:
    source = _source(stage, objects)
    database = stage.applied(source, dialect)
    options = () if way == "all" else ("--less-stat",)
    run = python("passes", way, str(source), database, str(ROUNDS[way]), *options)
    cache = {"RECONCILER_CACHE_DIR": str(stage.folder / "cache")}
    return replace(run, name=f"{objects:,} objects", environment=cache, own_clock=True)


def _source(stage: Stage, objects: int) -> Path:
    """Of these contests alone, since a pass edits it."""
    folder = stage.folder / f"growing-{objects}"
    if not folder.exists():
        types = max(1, objects // TYPES)
        write_manifests(folder, types, objects - types, SEED)
    return folder


BENCHMARKS = {
    f"pass-{way}-{count}-{dialect}": partial(contest, count=count, dialect=dialect)
    for dialect in ("sqlite", "postgresql")
    for way, contest in (("none", unchanged), ("one", one_changed), ("all", all_changed))
    for count in SHAPES[1:]
    if dialect == "sqlite" or way == "all"
}
"""By the name they are called by on the command line."""

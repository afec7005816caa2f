"""`python -m tests.benchmarks [NAME...]`: whole processes beside their peers and floors, in turns, as a
table.

Names choose benchmarks by how theirs begin; without any, all are run, which takes about a quarter of an hour. Peers
are installed when they are first needed, into a cache folder; one that cannot be installed is named and skipped. The
exit code is 1 if a goal was missed or a contender failed; with --quick, whose sizes are not those of the goals, only
the latter.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tests.benchmarks import applying, controlling, executing, growing, peers, pipelines, planning, serving
from tests.benchmarks.contest import Contest, NotRun, Outcome, PeerMissingError
from tests.benchmarks.installing import default_folder
from tests.benchmarks.postgres import Postgres
from tests.benchmarks.racing import ROOT, RunFailedError, environment, race
from tests.benchmarks.stage import Sizes, Stage
from tests.benchmarks.table import markdown

Benchmark = Callable[[Stage], Contest]

BENCHMARKS: dict[str, Benchmark] = {
    "help": planning.help_text,
    "warm-plan-sqlite": partial(planning.warm_plan, dialect="sqlite"),
    "warm-plan-postgresql": partial(planning.warm_plan, dialect="postgresql"),
    "many-types-postgresql": planning.warm_plan_of_many_types,
    "changed-file-sqlite": partial(planning.changed_file, dialect="sqlite"),
    "changed-file-postgresql": partial(planning.changed_file, dialect="postgresql"),
    "cold-plan-applied": partial(planning.cold_plan, dialect="sqlite", applied=True),
    "cold-plan-empty": partial(planning.cold_plan, dialect="sqlite", applied=False),
    "alembic-sqlite": partial(peers.alembic_check, dialect="sqlite"),
    "alembic-postgresql": partial(peers.alembic_check, dialect="postgresql"),
    "dbt": peers.dbt_parse,
    "drizzle": peers.drizzle_generate,
    "schema-sqlite": partial(applying.read_schema, dialect="sqlite"),
    "schema-postgresql": partial(applying.read_schema, dialect="postgresql"),
    "apply-sqlite": partial(applying.apply_types, dialect="sqlite"),
    "apply-postgresql": partial(applying.apply_types, dialect="postgresql"),
    "pool-celery": executing.beside_celery,
    "pool-huey": executing.beside_huey,
    "executor-celery": executing.executor_beside_bare_celery,
    "idle-worker": executing.idle_worker,
    "results-bare-route": serving.results_beside_bare_route,
    "results-datasette": serving.results_beside_datasette,
    "results-slowest": serving.slowest_beside_median,
    "submit-inserts": serving.submission_beside_inserts,
    "save-sqlite": partial(controlling.save_to_applied, dialect="sqlite"),
    "save-postgresql": partial(controlling.save_to_applied, dialect="postgresql"),
    "push-sqlite": controlling.push_to_applied,
    "idle-controller": controlling.idle,
    **growing.BENCHMARKS,
    "pipeline-plain": pipelines.beside_plain_calls,
    "pipeline-haystack": partial(pipelines.beside, peer="haystack"),
    "pipeline-langgraph": partial(pipelines.beside, peer="langgraph"),
    "pipeline-pydantic-graph": partial(pipelines.beside, peer="pydantic-graph"),
}
QUICK = Sizes(types=12, agents=24, tables=12, many=24)
ROUNDS, QUICK_ROUNDS = 7, 1
PATIENCE = 30.0
"""Seconds after which a contest makes do with the fewest rounds: all together take about a quarter of an hour."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    sizes = QUICK if options.quick else Sizes(options.types, options.agents, options.tables, options.many)
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    patience = math.inf if options.rounds else PATIENCE
    compile_bytecode()
    found: dict[str, Outcome | NotRun] = {}
    with tempfile.TemporaryDirectory(prefix="reconciler-benchmarks-") as folder, Postgres() as postgres:
        stage = Stage(Path(folder), options.peers, sizes, postgres)
        for name in options.benchmarks:
            print(f"{name} …", file=sys.stderr, flush=True)
            found[name] = hold(name, stage, rounds, patience)
    print(markdown(found.values(), judged=not options.quick))
    print(f"\n{_conditions(rounds)}")
    if options.out:
        document = {"conditions": _conditions(rounds), "sizes": vars(sizes)}
        document |= {"benchmarks": {name: result.as_json() for name, result in found.items()}}
        options.out.write_text(json.dumps(document, indent=1) + "\n")
    return 1 if any(_is_bad(result, judged=not options.quick) for result in found.values()) else 0


def _is_bad(result: Outcome | NotRun, *, judged: bool) -> bool:
    return result.failed if isinstance(result, NotRun) else judged and not result.met


def hold(name: str, stage: Stage, rounds: int, patience: float) -> Outcome | NotRun:
    try:
        return race(BENCHMARKS[name](stage), rounds, patience)
    except (PeerMissingError, RunFailedError) as error:
        print(error, file=sys.stderr)
        return NotRun(name, str(error).splitlines()[0], failed=isinstance(error, RunFailedError))


def compile_bytecode() -> None:
    """Of everything the children import; a process that compiles as it imports takes twice as long."""
    command = [
        sys.executable,
        "-m",
        "compileall",
        "-q",
        "-j",
        "0",
        str(ROOT / "reconciler"),
        str(ROOT / "tests"),
    ]
    command += [folder for folder in sys.path if folder.endswith("-packages")]
    # Some packages ship files for other Python versions, which do not compile: nobody imports them.
    subprocess.run(
        command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )


def _conditions(rounds: int) -> str:
    return (
        "Whole processes, bytecode compiled and PYTHONDONTWRITEBYTECODE unset; medians ± half the"
        f" interquartile range of up to {rounds} rounds in turns (A B A B), after one that does not count."
        f" Python {platform.python_version()},"
        f" {os.cpu_count()} processors ({platform.machine()}), load {os.getloadavg()[0]:.1f} at the end."
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="benchmarks: " + ", ".join(BENCHMARKS),
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="beginnings of names")
    parser.add_argument("--quick", action="store_true", help="small sizes, one round: to see that it works")
    parser.add_argument(
        "--rounds",
        type=int,
        help=f"how often each takes its turn; otherwise {ROUNDS}, fewer of what takes long",
    )
    parser.add_argument("--types", type=int, default=Sizes.types)
    parser.add_argument("--agents", type=int, default=Sizes.agents)
    parser.add_argument("--tables", type=int, default=Sizes.tables)
    parser.add_argument("--many", type=int, default=Sizes.many)
    parser.add_argument(
        "--peers", type=Path, default=default_folder(), metavar="DIR", help="where peers are installed"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all that was measured as JSON")
    options = parser.parse_args(arguments)
    unknown = [n for n in options.names if not any(name.startswith(n) for name in BENCHMARKS)]
    if unknown:
        parser.error(f"no benchmark begins with {', '.join(unknown)}")
    options.benchmarks = [n for n in BENCHMARKS if not options.names or n.startswith(tuple(options.names))]
    return options


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.faults.day PAIR [--minutes N]`: one day on one pair of database and executor, and its report."""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.faults.day.course import PAIRS, spend


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.day", description=__doc__)
    parser.add_argument("pair", choices=PAIRS)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="reconciler-day-"))  # kept: the logs are in it
        url = f"sqlite:///{folder}/day.db"
        if given.pair.endswith("postgresql"):
            from tests.postgres_server import Databases, running

            databases = Databases(stack.enter_context(running()))
            stack.callback(databases.drop)
            url = databases.take()
        report = spend(given.pair, url, folder, given.minutes * 60, given.seed)
    print(report.text)
    print(f"Logs: {folder}", file=sys.stderr)
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())

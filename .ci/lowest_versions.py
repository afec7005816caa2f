"""Prints constraints that hold every dependency to the lowest version pyproject.toml allows, for pip.

python .ci/lowest_versions.py > /tmp/lowest.txt
pip install --constraint /tmp/lowest.txt --editable '.[postgres,celery]'
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
LOWER_BOUND = re.compile(r"^([A-Za-z0-9_.-]+)(\[[^]]*\])?.*?>=\s*([0-9][0-9A-Za-z.]*)")


def main() -> int:
    extras = PROJECT["optional-dependencies"]
    for requirement in [*PROJECT["dependencies"], *extras["postgres"], *extras["celery"]]:
        bound = LOWER_BOUND.match(requirement)
        if bound is None:
            sys.stderr.write(f"{requirement} has no lower bound\n")
            return 1
        sys.stdout.write(f"{bound[1]}=={bound[3]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

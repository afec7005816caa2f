"""What YAML costs by itself: `python -I tests/benchmarks/parse_yaml.py DIR`, yaml.load(CSafeLoader) of every
manifest."""

import os
import sys

import yaml


def main() -> int:
    found = 0
    for folder, _, names in os.walk(sys.argv[1]):
        for name in names:
            with open(f"{folder}/{name}", "rb") as file:  # noqa: PTH123  # as lean as it can be written
                yaml.load(file, Loader=yaml.CSafeLoader)
            found += 1
    print(f"{found} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Runs one program and writes what it took: `python -I -S stopwatch.py REPORT PROGRAM ARGUMENTS...`.

A process of its own, as a child's peak memory never reads lower than that of the process it was forked from.
REPORT gets one JSON object: `seconds` on the wall, `cpu` seconds and `peak` bytes of the largest process,
descendants included. Ends with the program's exit code, 128 + the number of the signal if one ended it.
"""

import json
import os
import sys
import time


def main() -> int:
    report, *command = sys.argv[1:]
    before = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, used = os.wait4(child, 0)
    seconds = time.perf_counter() - before
    found = {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss * 1024}
    with open(report, "w") as file:  # noqa: PTH123  # pathlib alone would cost half of this program's memory
        json.dump(found, file)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())

"""The least a plan without changes can cost: `python -I tests/benchmarks/floor.py DIR INDEX`.

A bare Python process that stats every manifest and compares it with a stored index. The first run writes
the index. Imports nothing but what the interpreter has loaded or built in already.
"""

import marshal
import os
import sys


def stats_of(root: str) -> dict[str, tuple[int, int, int, int]]:
    found = {}
    pending = [(root, "")]
    while pending:
        folder, shown = pending.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append((entry.path, f"{shown}{entry.name}/"))
                elif entry.name.endswith((".yaml", ".yml")):
                    is_ = entry.stat(follow_symlinks=False)
                    found[shown + entry.name] = (is_.st_size, is_.st_mtime_ns, is_.st_ino, is_.st_ctime_ns)
    return found


def main() -> int:
    root, index = sys.argv[1:]
    now = stats_of(root)
    if not os.path.exists(index):  # noqa: PTH110  # pathlib alone would cost a tenth of the floor
        with open(index, "wb") as file:  # noqa: PTH123
            marshal.dump(now, file)
    with open(index, "rb") as file:  # noqa: PTH123
        before = marshal.load(file)
    changed = [path for path in now.keys() | before.keys() if now.get(path) != before.get(path)]
    print(f"{len(now)} files, {len(changed)} changed")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())

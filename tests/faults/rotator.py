"""A process that rotates keys in small batches until it is killed."""

from __future__ import annotations

import sys

from reconciler.database.connection import connect
from reconciler.database.encryption import Keyring
from reconciler.database.rotation import rotate

OLD, NEW = b"o" * 32, b"n" * 32
BOTH = Keyring({"k2": NEW, "k1": OLD})


def main(url: str) -> None:
    with connect(url) as connection:
        rotate(connection, BOTH, batch=20, progress=lambda table, rows: print(rows, flush=True))


if __name__ == "__main__":
    main(sys.argv[1])

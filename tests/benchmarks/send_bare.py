"""Sends what an apply sent, and nothing else: `python -I tests/benchmarks/send_bare.py FILE URL`.

FILE holds pickled (statements, [(insert, rows), …]); all goes in one transaction, through `sqlite3` or
psycopg.
"""

import pickle
import sys


def main() -> int:
    path, url = sys.argv[1:]
    with open(path, "rb") as file:  # noqa: PTH123  # as lean as it can be written
        statements, inserts = pickle.load(file)
    if url.startswith("sqlite"):
        import sqlite3

        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            connection.execute(statement)
        for insert, rows in inserts:
            connection.executemany(insert, rows)
        connection.execute("COMMIT")
        connection.close()
    else:
        import psycopg

        # Raw cursors: a `%` in a statement is one.
        with psycopg.connect(url, cursor_factory=psycopg.RawCursor) as connection:
            for statement in statements:
                connection.execute(statement)
            with connection.cursor() as cursor:
                for insert, rows in inserts:
                    cursor.executemany(insert, rows)
    print(f"{len(statements)} statements, {sum(len(rows) for _, rows in inserts)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())

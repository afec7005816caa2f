"""Sends what an apply sent, and nothing else: `python -I tests/benchmarks/send_bare.py FILE URL`.

FILE holds pickled (statements, [(insert, rows), …]). Through `sqlite3` all goes in one transaction; through psycopg
in as few as a server takes that was not told otherwise: each keeps a lock for all that it makes.
"""

import pickle
import sys

AT_ONCE = 1000
"""Statements in one transaction of PostgreSQL; its lock table holds about 6,400 locks."""


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
            for number, statement in enumerate(statements, 1):
                connection.execute(statement)
                if number % AT_ONCE == 0:
                    connection.commit()
            with connection.cursor() as cursor:
                for insert, rows in inserts:
                    cursor.executemany(insert, rows)
    print(f"{len(statements)} statements, {sum(len(rows) for _, rows in inserts)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())

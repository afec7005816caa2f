"""Connections: one behaviour on two databases, and errors a user can act on."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from reconciler.database.connection import Connection, connect, database_exists, masked
from reconciler.database.failures import (
    AccessDenied,
    ConnectionLost,
    ConstraintViolated,
    DatabaseMissing,
    LockTimeout,
    NotADatabase,
    NotThere,
    Unreachable,
)
from reconciler.errors import DatabaseError, Locked, UsageError


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as opened:
        opened.execute("CREATE TABLE note (id integer PRIMARY KEY, body text)")
        yield opened


def bodies(connection: Connection) -> list[str]:
    return [body for (body,) in connection.execute("SELECT body FROM note ORDER BY id")]


DURABILITY = {"sqlite": ("PRAGMA synchronous", 1, 2), "postgresql": ("SHOW synchronous_commit", "off", "on")}
"""The question, and its answers while nothing need be durable and while all must be."""


class TestDurability:
    def test_what_need_not_be_durable_does_not_wait_and_what_must_be_does(
        self, connection: Connection
    ) -> None:
        question, relaxed, strict = DURABILITY[connection.dialect]
        with connection.transaction(durable=False):
            connection.execute("INSERT INTO note VALUES (1, 'a')")
            assert connection.execute(question) == [(relaxed,)]
        assert connection.execute(question) == [(strict,)]
        with connection.transaction():
            assert connection.execute(question) == [(strict,)]
        assert bodies(connection) == ["a"]

    def test_however_the_transaction_ends(self, connection: Connection) -> None:
        question, _, strict = DURABILITY[connection.dialect]
        with pytest.raises(ZeroDivisionError), connection.transaction(durable=False):
            raise ZeroDivisionError
        assert connection.execute(question) == [(strict,)]

    def test_a_file_without_write_ahead_log_is_always_durable(self, sqlite_url: str) -> None:
        """There a commit that does not wait could damage the file."""
        with connect(sqlite_url) as connection:
            connection.execute("PRAGMA journal_mode = TRUNCATE")
            with connection.transaction(durable=False):
                assert connection.execute("PRAGMA synchronous") == [(2,)]


class TestStatements:
    def test_a_question_mark_is_a_parameter_except_in_quotes_and_comments(
        self, connection: Connection
    ) -> None:
        sql = """SELECT ?, '?''?', "why?" /* ? */ FROM (SELECT 1 AS "why?") AS t -- ?"""
        assert connection.execute(sql, ("a",)) == [("a", "?'?", 1)]

    @pytest.mark.parametrize("params", [(), ("x",)], ids=["without parameters", "with parameters"])
    def test_a_percent_sign_means_nothing_to_the_driver(
        self, connection: Connection, params: tuple[str, ...]
    ) -> None:
        tail = " AND 'x' = ?" if params else ""
        assert connection.execute(f"SELECT '100%s %(a)s %%' WHERE 'ab' LIKE 'a%'{tail}", params) == [
            ("100%s %(a)s %%",)
        ]

    @pytest.mark.parametrize("sql", ["SELECT * FROM absent", "SELECT absent FROM note"])
    def test_what_is_not_there_is_said_so(self, connection: Connection, sql: str) -> None:
        with pytest.raises(NotThere, match="absent"):
            connection.execute(sql)

    def test_a_statement_that_gives_no_rows_gives_an_empty_list(self, connection: Connection) -> None:
        assert connection.execute("INSERT INTO note VALUES (1, 'a')") == []

    def test_many_rows_arrive_in_order(self, connection: Connection) -> None:
        connection.execute_many("INSERT INTO note VALUES (?, ?)", ((n, f"n{n}") for n in range(2500)))
        assert bodies(connection) == [f"n{n}" for n in range(2500)]

    def test_of_many_rows_all_arrive_or_none(self, connection: Connection) -> None:
        with pytest.raises(ConstraintViolated):
            connection.execute_many("INSERT INTO note VALUES (?, ?)", [(1, "a"), (2, "b"), (1, "c")])
        assert bodies(connection) == []

    def test_no_rows_at_all_is_no_error(self, connection: Connection) -> None:
        connection.execute_many("INSERT INTO note VALUES (?, ?)", [])
        assert bodies(connection) == []

    @pytest.mark.parametrize("inside", [True, False], ids=["inside a transaction", "on its own"])
    def test_a_stream_allows_other_statements_meanwhile(self, connection: Connection, inside: bool) -> None:
        connection.execute_many("INSERT INTO note VALUES (?, ?)", [(n, "x") for n in range(3000)])
        seen = 0

        def read() -> None:
            nonlocal seen
            for (number,) in connection.stream("SELECT id FROM note WHERE id >= ? ORDER BY id", (10,)):
                if number == 1000:
                    assert connection.execute("SELECT 1") == [(1,)]
                seen += 1

        if inside:
            with connection.transaction():
                read()
        else:
            read()
        assert seen == 2990
        assert not connection.in_transaction

    def test_a_stream_that_is_abandoned_leaves_the_connection_usable(self, connection: Connection) -> None:
        connection.execute_many("INSERT INTO note VALUES (?, ?)", [(n, "x") for n in range(3000)])
        rows = connection.stream("SELECT id FROM note ORDER BY id")
        assert next(rows) == (0,)
        rows.close()  # type: ignore[attr-defined]  # a generator behind its interface
        with connection.transaction():
            connection.execute("DELETE FROM note")
        assert bodies(connection) == []

    def test_a_script_stops_at_its_first_failure(self, connection: Connection) -> None:
        with pytest.raises(DatabaseError) as failure:
            connection.script(
                ["INSERT INTO note VALUES (1, 'a')", "INSERT INTO nothing VALUES (1)", "DELETE FROM note"]
            )
        assert failure.value.where == "INSERT INTO nothing VALUES (1)"
        assert bodies(connection) == ["a"]


class TestTransactions:
    def test_what_was_done_stays(self, connection: Connection) -> None:
        with connection.transaction():
            assert connection.in_transaction
            connection.execute("INSERT INTO note VALUES (1, 'a')")
        assert not connection.in_transaction
        assert bodies(connection) == ["a"]

    def test_an_error_undoes_rows_and_tables_alike(self, connection: Connection) -> None:
        def fail() -> None:
            with connection.transaction():
                connection.execute("CREATE TABLE extra (id integer)")
                connection.execute("INSERT INTO note VALUES (1, 'a')")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fail()
        assert bodies(connection) == []
        with pytest.raises(DatabaseError):
            connection.execute("SELECT * FROM extra")

    def test_a_failed_savepoint_leaves_what_surrounds_it(self, connection: Connection) -> None:
        with connection.transaction():
            connection.execute("INSERT INTO note VALUES (1, 'before')")
            with pytest.raises(ConstraintViolated), connection.savepoint():
                connection.script(
                    ["INSERT INTO note VALUES (2, 'inside')", "INSERT INTO note VALUES (1, 'again')"]
                )
            with connection.savepoint(), connection.savepoint():
                connection.execute("INSERT INTO note VALUES (3, 'after')")
        assert bodies(connection) == ["before", "after"]

    def test_transactions_do_not_nest_and_savepoints_need_one(self, connection: Connection) -> None:
        with connection.transaction(), pytest.raises(RuntimeError), connection.transaction():
            pass
        with pytest.raises(RuntimeError), connection.savepoint():
            pass

    def test_swallowing_an_error_does_not_make_a_lost_transaction_look_kept(self, postgres_url: str) -> None:
        def careless() -> None:
            with connection.transaction():
                connection.execute("INSERT INTO note VALUES (1)")
                with suppress(DatabaseError):
                    connection.execute("SELECT 1 / 0")

        with connect(postgres_url) as connection:
            connection.execute("CREATE TABLE note (id integer)")
            with pytest.raises(DatabaseError, match="nothing of it was kept"):
                careless()
            assert connection.execute("SELECT * FROM note") == []

    def test_a_snapshot_sees_one_moment_and_blocks_no_writer(
        self, connection: Connection, database_url: str
    ) -> None:
        connection.execute("INSERT INTO note VALUES (1, 'a')")
        with connect(database_url) as other, other.snapshot():
            assert bodies(other) == ["a"]
            connection.execute("UPDATE note SET body = 'b'")
            assert bodies(other) == ["a"]
        assert bodies(connection) == ["b"]

    def test_a_lock_held_by_another_is_reported_as_locked(
        self, connection: Connection, database_url: str
    ) -> None:
        connection.execute("INSERT INTO note VALUES (1, 'a')")
        with connect(database_url, lock_timeout=0.1) as other, connection.transaction():
            connection.execute("UPDATE note SET body = 'b'")
            with pytest.raises(LockTimeout) as failure:
                other.execute("UPDATE note SET body = 'c'")
        assert failure.value.exit_status == Locked.exit_status
        assert failure.value.hint

    def test_a_writer_waits_for_another_to_end(self, connection: Connection, database_url: str) -> None:
        connection.execute("INSERT INTO note VALUES (1, 'a')")
        started = threading.Event()

        def write() -> None:
            with connect(database_url, lock_timeout=10) as other:
                started.set()
                other.execute("UPDATE note SET body = body || 'c'")

        thread = threading.Thread(target=write)
        with connection.transaction():
            connection.execute("UPDATE note SET body = body || 'b'")
            thread.start()
            assert started.wait(5)
        thread.join(10)
        assert bodies(connection) == ["abc"]


class TestForeignKeys:
    @pytest.fixture
    def family(self, connection: Connection) -> Connection:
        connection.execute("CREATE TABLE reply (id integer, note integer REFERENCES note (id))")
        return connection

    def test_they_are_enforced(self, family: Connection) -> None:
        with pytest.raises(ConstraintViolated):
            family.execute("INSERT INTO reply VALUES (1, 7)")

    def test_they_are_not_switched_inside_a_transaction(self, family: Connection) -> None:
        with family.transaction(), pytest.raises(RuntimeError):
            family.foreign_keys(False)

    def test_sqlite_lets_them_rest_for_a_rebuild(self, sqlite_url: str) -> None:
        with connect(sqlite_url) as connection:
            connection.script(["CREATE TABLE a (id integer PRIMARY KEY)", "CREATE TABLE b (a REFERENCES a)"])
            connection.foreign_keys(False)
            connection.execute("INSERT INTO b VALUES (7)")
            connection.foreign_keys(True)
            with pytest.raises(ConstraintViolated):
                connection.execute("INSERT INTO b VALUES (8)")


class TestFailures:
    def test_a_violated_constraint_is_named_and_no_row_is_quoted(self, connection: Connection) -> None:
        connection.execute("CREATE UNIQUE INDEX uq_body ON note (body)")
        connection.execute("INSERT INTO note VALUES (1, 'secret')")
        with pytest.raises(ConstraintViolated) as failure:
            connection.execute("INSERT INTO note VALUES (2, ?)", ("secret",))
        said = f"{failure.value.message} {failure.value.where} {failure.value.hint}"
        assert "body" in said
        assert "secret" not in said

    def test_a_long_statement_is_cut_to_what_a_message_bears(self, connection: Connection) -> None:
        with pytest.raises(DatabaseError) as failure:
            connection.execute("SELECT nothing,\n   " + "1, " * 500 + "1")
        assert failure.value.where.startswith("SELECT nothing, 1, 1")
        assert len(failure.value.where) == 200

    def test_a_closed_connection_says_so(self, connection: Connection) -> None:
        connection.close()
        connection.close()
        with pytest.raises(DatabaseError):
            connection.execute("SELECT 1")

    def test_a_lost_connection_is_told_apart(self, postgres_url: str) -> None:
        with connect(postgres_url) as connection, connect(postgres_url) as killer:
            ((backend,),) = connection.execute("SELECT pg_backend_pid()")
            killer.execute("SELECT pg_terminate_backend(?, 5000)", (backend,))
            with pytest.raises(ConnectionLost), connection.transaction():
                pass

    @pytest.mark.parametrize(
        ("change", "kind"),
        [
            (lambda url: url.rpartition("/")[0] + "/reconciler_test_no_such", DatabaseMissing),
            (lambda url: "postgresql://reconciler_nobody@" + url.rpartition("@")[2], AccessDenied),
            (lambda url: "postgresql://127.0.0.1:1/test", Unreachable),
        ],
        ids=["no such database", "no such role", "nobody listens"],
    )
    def test_why_postgres_cannot_be_reached(
        self, postgres_url: str, change: Callable[[str], str], kind: type[DatabaseError]
    ) -> None:
        with pytest.raises(kind) as failure:
            connect(change(postgres_url))
        assert failure.value.hint

    def test_why_a_file_cannot_be_opened(self, tmp_path: Path) -> None:
        (tmp_path / "text.db").write_text("this is no database, however long one looks at it" * 20)
        (tmp_path / "folder.db").mkdir()
        for name, kind in {"text": NotADatabase, "folder": Unreachable, "nowhere/file": Unreachable}.items():
            with pytest.raises(kind) as failure:
                connect(f"sqlite:///{tmp_path}/{name}.db")
            assert failure.value.hint
        assert not (tmp_path / "nowhere").exists()

    @pytest.mark.parametrize(
        "url", ["mysql://host/db", "reconciler.db", "sqlite://host/x", "sqlite:///a?mode=ro", ""]
    )
    def test_an_url_of_something_else_is_wrong_usage(self, url: str) -> None:
        with pytest.raises(UsageError) as failure:
            connect(url)
        assert failure.value.hint

    def test_a_missing_driver_names_the_extra_to_install(self) -> None:
        program = (
            "import sys; sys.modules['psycopg'] = None\n"
            "from reconciler.database.connection import connect\n"
            "try: connect('postgresql://127.0.0.1:1/x')\n"
            "except Exception as error: print(error.code, error.hint)"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout == "driver-missing pip install 'reconciler[postgres]'\n"


class TestOpening:
    def test_asking_whether_a_database_exists_creates_nothing(self, sqlite_url: str, tmp_path: Path) -> None:
        assert not database_exists(sqlite_url)
        with pytest.raises(DatabaseMissing):
            connect(sqlite_url, create=False)
        assert list(tmp_path.iterdir()) == []
        connect(sqlite_url).close()
        assert database_exists(sqlite_url)

    def test_a_postgres_database_exists_or_not(self, postgres_url: str) -> None:
        assert database_exists(postgres_url)
        assert not database_exists(postgres_url + "_not")

    def test_a_relative_path_starts_where_the_program_does(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with connect("sqlite:///here%20and.db") as connection:
            assert connection.identity == str(tmp_path.resolve() / "here and.db")
        assert (tmp_path / "here and.db").exists()

    def test_two_names_of_one_file_are_one_database(self, tmp_path: Path) -> None:
        with connect(f"sqlite:///{tmp_path}/a.db") as connection:
            (tmp_path / "b.db").symlink_to(tmp_path / "a.db")
            with connect(f"sqlite:///{tmp_path}/b.db") as other:
                assert other.identity == connection.identity

    def test_only_the_driver_asked_for_is_imported(self, tmp_path: Path) -> None:
        program = (
            "import sys\n"
            "from reconciler.database.connection import connect\n"
            f"connect('sqlite:///{tmp_path}/x.db').close()\n"
            "print(sorted({'psycopg', 'sqlalchemy', 'alembic', 'pydantic'} & set(sys.modules)))"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout == "[]\n"

    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            ("sqlite:///reconciler.db", "sqlite:///reconciler.db"),
            ("sqlite:////var/lib/r.db", "sqlite:////var/lib/r.db"),
            ("postgresql://host/db", "postgresql://host/db"),
            ("postgresql://u@host:5432/db", "postgresql://u@host:5432/db"),
            ("postgresql://u:pa%40ss@host:5432/db", "postgresql://u:***@host:5432/db"),
            ("postgresql://u:a@b:c@host/db?sslmode=require", "postgresql://u:***@host/db?sslmode=require"),
            ("postgresql://host/db?user=u&password=p", "postgresql://host/db?user=u&password=***"),
            ("postgresql://u:p@[::1/db", "postgresql://***"),
            ("postgresql://u:p@a:1,b:2/db", "postgresql://u:***@a:1,b:2/db"),
        ],
    )
    def test_a_password_is_never_shown(self, url: str, shown: str) -> None:
        assert masked(url) == shown

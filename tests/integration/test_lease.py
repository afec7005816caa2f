"""The lease, among real processes: some are killed, some stopped, and none writes once overtaken."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.database import lease, process_identity
from reconciler.database.connection import Connection, connect
from reconciler.database.lease import Lease
from reconciler.database.upgrade import ensure_catalog
from reconciler.errors import Locked

HOLDER = """
import sys
from reconciler.database import lease
from reconciler.database.connection import connect
from reconciler.errors import Locked

connection = connect(sys.argv[1])
held = lease.acquire(connection, holder="the child", ttl=float(sys.argv[2]))
print(held.token, flush=True)
for line in sys.stdin:
    try:
        with connection.transaction():
            held.verify(connection)
            connection.execute("INSERT INTO catalog_meta VALUES ('written', 'by the child')")
            if line == "linger\\n":
                print("lingering", flush=True)
                sys.stdin.readline()
        print("written", flush=True)
    except Locked as error:
        print("refused:", error, flush=True)
"""

IDENTITY = """
from reconciler.database.process_identity import own_identity
print(*own_identity().values(), sep="|")
"""

Child = subprocess.Popen[str]


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url, lock_timeout=0.5) as opened:
        ensure_catalog(opened)
        yield opened


@pytest.fixture
def hold(connection: Connection, database_url: str) -> Iterator[Callable[[float], Child]]:
    """Starts a process that holds the lease for so many seconds."""
    started: list[Child] = []

    def start(ttl: float) -> Child:
        child = subprocess.Popen(
            [sys.executable, "-c", HOLDER, database_url, str(ttl)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(child)
        assert said_by(child) == "1"
        return child

    yield start
    for child in started:
        child.kill()
        child.communicate()


def said_by(child: Child) -> str:
    assert child.stdout
    return child.stdout.readline().strip()


def tell(child: Child, line: str) -> None:
    assert child.stdin
    child.stdin.write(f"{line}\n")
    child.stdin.flush()


def acquired_within(connection: Connection, seconds: float) -> Lease:
    """The lease; the server needs a moment to notice that a client is gone."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return lease.acquire(connection, holder="me")
        except Locked:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def written(connection: Connection) -> list[tuple[str]]:
    return connection.execute("SELECT value FROM catalog_meta WHERE key = 'written'")


class TestHolding:
    def test_whoever_comes_second_is_told_who_holds_it_and_since_when(self, connection: Connection) -> None:
        lease.acquire(connection, holder="ann@laptop")
        ((since,),) = connection.execute("SELECT acquired_at FROM leases")
        with pytest.raises(Locked) as refusal:
            lease.acquire(connection, holder="bob@ci")
        assert "ann@laptop" in refusal.value.message
        assert since in refusal.value.message
        assert refusal.value.exit_status == 5

    def test_leases_of_other_names_are_other_leases(self, connection: Connection) -> None:
        lease.acquire(connection, "apply", holder="ann")
        lease.acquire(connection, "purge", holder="bob")

    def test_a_released_lease_is_free_and_the_next_token_is_higher(self, connection: Connection) -> None:
        tokens = []
        for holder in ("ann", "bob", "ann"):
            held = lease.acquire(connection, holder=holder)
            tokens.append(held.token)
            held.release(connection)
            held.release(connection)
        assert tokens == [1, 2, 3]

    def test_a_holder_has_a_name(self, connection: Connection) -> None:
        with pytest.raises(ValueError):
            lease.acquire(connection, holder="")

    def test_renewing_moves_the_end(self, connection: Connection) -> None:
        held = lease.acquire(connection, holder="ann", ttl=0.2)
        renewed = held.renew(connection)
        assert renewed.expires_at > held.expires_at
        assert (renewed.token, renewed.ttl) == (held.token, held.ttl)

    def test_an_expired_lease_is_still_held_if_nobody_took_it(self, connection: Connection) -> None:
        held = lease.acquire(connection, holder="ann", ttl=0)
        with connection.transaction():
            held.verify(connection)

    def test_it_is_verified_inside_a_transaction_only(self, connection: Connection) -> None:
        held = lease.acquire(connection, holder="ann")
        with pytest.raises(RuntimeError):
            held.verify(connection)


class TestOvertaking:
    def test_an_expired_lease_is_taken_over_and_the_old_one_is_worth_nothing(
        self, connection: Connection
    ) -> None:
        old = lease.acquire(connection, holder="ann", ttl=0)
        new = lease.acquire(connection, holder="bob")
        assert new.token == old.token + 1
        with pytest.raises(Locked):
            old.renew(connection)
        with pytest.raises(Locked), connection.transaction():
            old.verify(connection)
        old.release(connection)
        with connection.transaction():
            new.verify(connection)

    def test_a_released_lease_cannot_be_used_any_more(self, connection: Connection) -> None:
        held = lease.acquire(connection, holder="ann")
        held.release(connection)
        with pytest.raises(Locked):
            held.renew(connection)

    def test_the_lease_of_a_killed_process_is_free_at_once(
        self, connection: Connection, hold: Callable[[float], Child]
    ) -> None:
        child = hold(3600)
        with pytest.raises(Locked, match="the child"):
            lease.acquire(connection, holder="me")
        child.send_signal(signal.SIGKILL)
        assert acquired_within(connection, 5).token == 2

    def test_what_a_killed_process_was_writing_is_undone_and_its_lease_is_free(
        self, connection: Connection, hold: Callable[[float], Child]
    ) -> None:
        child = hold(3600)
        tell(child, "linger")
        assert said_by(child) == "lingering"
        child.send_signal(signal.SIGKILL)
        assert acquired_within(connection, 5).token == 2
        assert written(connection) == []

    def test_a_process_that_slept_through_its_lease_writes_nothing_when_it_wakes(
        self, connection: Connection, hold: Callable[[float], Child]
    ) -> None:
        child = hold(0.2)
        child.send_signal(signal.SIGSTOP)
        held = acquired_within(connection, 5)
        child.send_signal(signal.SIGCONT)
        tell(child, "write")
        assert said_by(child).startswith("refused:")
        assert written(connection) == []
        held.renew(connection)

    def test_nobody_overtakes_in_the_midst_of_a_unit_however_long_it_takes(
        self, connection: Connection, hold: Callable[[float], Child]
    ) -> None:
        child = hold(0)
        tell(child, "linger")
        assert said_by(child) == "lingering"
        with pytest.raises(Locked):
            lease.acquire(connection, holder="me")
        tell(child, "go on")
        assert said_by(child) == "written"
        assert written(connection) == [("by the child",)]
        assert lease.acquire(connection, holder="me").token == 2

    def test_of_processes_that_reach_for_it_at_once_one_gets_it(
        self, connection: Connection, database_url: str
    ) -> None:
        program = HOLDER.replace("import sys\n", "import sys\nsys.stdin.readline()\n", 1)
        children = [
            subprocess.Popen(
                [sys.executable, "-c", program, database_url, "60"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(4)
        ]
        for child in children:
            tell(child, "go")
        try:
            outcomes = [outcome(child) for child in children]
        finally:
            for child in children:
                child.kill()
                child.communicate()
        assert sorted(outcomes) == ["1", "Locked", "Locked", "Locked"]


def outcome(child: Child) -> str:
    """The token the child got, or the error it ended with."""
    token = said_by(child)
    if token:
        return token
    assert child.stderr
    return child.stderr.read().strip().splitlines()[-1].partition(":")[0].rpartition(".")[2]


class TestEvidence:
    def test_a_living_process_is_not_gone(self) -> None:
        assert not process_identity.is_gone(process_identity.own_identity())

    def test_a_process_number_in_use_again_is_somebody_else(self) -> None:
        assert process_identity.is_gone({**process_identity.own_identity(), "started": "1"})

    def test_of_a_process_elsewhere_or_unknown_nothing_is_certain(self) -> None:
        mine = process_identity.own_identity()
        dead = {**mine, "started": "1"}
        for identity in ({**dead, "place": "another boot"}, {}, {**dead, "pid": ""}, {"pid": "1"}):
            assert not process_identity.is_gone(identity)

    def test_a_process_that_ended_is_gone_even_before_its_parent_asks(self) -> None:
        child = subprocess.Popen(
            [sys.executable, "-c", IDENTITY],
            stdout=subprocess.PIPE,
            text=True,
        )
        place, pid, started = said_by(child).split("|")
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        identity = {"place": place, "pid": pid, "started": started}
        assert process_identity.is_gone(identity)
        child.communicate()
        assert process_identity.is_gone(identity)

    def test_without_proc_only_a_missing_process_is_gone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(process_identity, "_PROC", tmp_path)
        mine = process_identity.own_identity()
        assert not process_identity.is_gone(mine)
        child = subprocess.Popen([sys.executable, "-c", ""])
        child.wait()
        assert process_identity.is_gone({**mine, "pid": str(child.pid)})

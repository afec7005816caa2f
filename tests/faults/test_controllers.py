"""Several controllers over one database, shot at and stopped while edits stream in: one writes at a time."""

from __future__ import annotations

import random
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from reconciler.bootstrap import load_manifests
from reconciler.database.connection import connect
from reconciler.database.lease import listed
from reconciler.settings import Settings
from tests.faults.controlled import Controlled, digests, wait_until
from tests.faults.history import faults_of
from tests.faults.test_edits import NAMES, Editors, manifest

LEASE = 3.0
CLOCK = Path(__file__).with_name("shifted_clock")
OFF_BY = (0, 3 * 3600, -3 * 3600)


def test_no_two_write_at_once_and_every_edit_is_applied_once(database_url: str, tmp_path: Path) -> None:
    """One controller's clock is three hours ahead of the machine's, another's three hours behind."""
    folder = tmp_path / "agents.d"
    folder.mkdir()
    Editors(folder, 1).restore_all()
    luck = random.Random(7)
    with ExitStack() as stack:

        def start(number: int) -> Controlled:
            clock = {"PYTHONPATH": str(CLOCK), "CLOCK_IS_OFF_BY": str(OFF_BY[number])}
            return stack.enter_context(
                Controlled(folder, database_url, tmp_path, RECONCILER_ACTOR=f"controller-{number}", **clock)
            )

        pack = {number: start(number) for number in range(3)}
        wait_until(lambda: len(digests(database_url)) == 2 * len(NAMES), "all is applied at first")
        stopped: set[int] = set()
        for number in range(1_000, 1_040):
            name = luck.choice(NAMES)
            _replace(folder / f"{name}.yaml", manifest(name, number))
            time.sleep(luck.uniform(0.05, 0.5))
            victim = luck.randrange(3)
            match luck.choice(["kill", "stop", "go on", "nothing", "nothing"]):
                case "kill":
                    pack[victim].signal(signal.SIGKILL)
                    stopped.discard(victim)
                    pack[victim] = start(victim)
                case "stop" if len(stopped) < 2:
                    pack[victim].signal(signal.SIGSTOP)
                    stopped.add(victim)
                case "go on":
                    for one in stopped:
                        pack[one].signal(signal.SIGCONT)
                    stopped.clear()
        for one in stopped:
            pack[one].signal(signal.SIGCONT)
        wait_until(lambda: digests(database_url) == _wanted(folder), "the newest edit of each is applied")
        for controller in pack.values():
            # One that was started a moment ago may not have come to listening for signals.
            assert controller.stop() in (0, -signal.SIGTERM)
    assert faults_of(database_url) == []
    _write_late(database_url)
    assert faults_of(database_url), "a checker that finds a fault where there is one"


def test_a_standby_takes_over_in_under_two_leases_and_the_revived_one_writes_nothing(
    database_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "agents.d"
    folder.mkdir()
    Editors(folder, 1).restore_all()
    with (
        Controlled(folder, database_url, tmp_path, RECONCILER_ACTOR="first") as first,
        ExitStack() as stack,
    ):
        wait_until(lambda: len(digests(database_url)) == 2 * len(NAMES), "all is applied at first")
        second = stack.enter_context(Controlled(folder, database_url, tmp_path, RECONCILER_ACTOR="second"))
        time.sleep(1.5)
        assert _leader(database_url).startswith("first ")
        first.signal(signal.SIGSTOP)
        since = time.monotonic()
        _replace(folder / f"{NAMES[0]}.yaml", manifest(NAMES[0], 2_000))
        wait_until(lambda: _leader(database_url).startswith("second "), "the second leads")
        assert time.monotonic() - since < 2 * LEASE
        wait_until(lambda: digests(database_url) == _wanted(folder), "and applies")
        newest = _newest(database_url)
        first.signal(signal.SIGCONT)
        wait_until(lambda: "no longer leading" in first.log.read_text(), "the first notices")
        assert _newest(database_url) == newest
        second.signal(signal.SIGKILL)  # whoever is dead is waited for no longer than it takes to look
        _replace(folder / f"{NAMES[1]}.yaml", manifest(NAMES[1], 2_001))
        wait_until(lambda: digests(database_url) == _wanted(folder), "the first leads again")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_frees_the_lease(number: signal.Signals, tmp_path: Path) -> None:
    folder, database = tmp_path / "agents.d", f"sqlite:///{tmp_path}/r.db"
    folder.mkdir()
    Editors(folder, 1).restore_all()
    with Controlled(folder, database, tmp_path) as controller:
        wait_until(lambda: len(digests(database)) == 2 * len(NAMES), "applied")
        controller.signal(number)
        assert controller.process.wait(10) == 0
    assert _leader(database) == ""


def test_a_lease_broken_by_hand_is_lost_at_the_next_write(tmp_path: Path) -> None:
    folder, database = tmp_path / "agents.d", f"sqlite:///{tmp_path}/r.db"
    folder.mkdir()
    Editors(folder, 1).restore_all()
    with Controlled(folder, database, tmp_path) as controller:
        wait_until(lambda: len(digests(database)) == 2 * len(NAMES), "applied")
        from tests.acceptance.command_line import CommandLine

        line = CommandLine(tmp_path)
        assert line("lease", "break", "controller", "--yes", "--database", database).code == 0
        wait_until(lambda: "no longer leading" in controller.log.read_text(), "it notices")
        _replace(folder / f"{NAMES[0]}.yaml", manifest(NAMES[0], 3_000))
        wait_until(lambda: digests(database) == _wanted(folder), "and leads again, with a new token")


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(text)
    temporary.replace(path)


def _wanted(folder: Path) -> dict[str, str]:
    state = load_manifests(Settings(source=str(folder)), use_cache=False).state
    return {address: entry.digest for address, entry in state.entries.items()}


def _leader(database: str) -> str:
    with connect(database, create=False) as connection:
        return next((one.holder for one in listed(connection) if one.name == "controller"), "")


def _newest(database: str) -> int:
    with connect(database, create=False) as connection:
        return int(connection.execute("SELECT max(number) FROM revisions")[0][0])


def _write_late(database: str) -> None:
    """As a holder would that was stopped before its first revision had ended, and went on after all others."""
    columns = "at, actor, action, address, before, after, reason, previous_hash, hash"
    with connect(database, create=False) as connection:
        connection.execute(
            f"INSERT INTO audit ({columns}) SELECT {columns} FROM audit"
            " WHERE address LIKE 'type/%' ORDER BY id LIMIT 1"
        )

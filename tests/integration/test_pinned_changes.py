"""What an operator pins holds from the moment it is written, also for programs that have long been running."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.bootstrap import open_controller, open_reconciler, open_schema_manager
from reconciler.control.controller.passes import Report
from reconciler.database.connection import Connection, connect
from reconciler.errors import ManifestsInvalid, UsageError
from reconciler.execution.gate import Gate
from reconciler.execution.worker import Worker
from reconciler.manifests.pinned import Pinned
from reconciler.settings import Settings
from reconciler.spec.task import TaskState
from tests.integration import test_worker
from tests.integration.tallies import deploy_tallies, submit_tallies

HEAD = {"apiVersion": "reconciler/v1"}
TYPE = {
    **HEAD,
    "kind": "AgentType",
    "metadata": {"name": "t"},
    "spec": {
        "version": "1.0.0",
        "tools": [{"name": "template"}],
        "pipeline": [{"id": "say", "tool": "template", "with": {"template": "Hi"}}],
    },
}
ALLOWED: dict[str, object] = {}
FORBIDDEN = {"tools": {"deny": ["template"]}}


def pin(path: Path, **spec: object) -> None:
    path.write_text(json.dumps({**HEAD, "kind": "Policy", "metadata": {"name": "p"}, "spec": spec}))


def aged(path: Path) -> None:
    """As if it had been written a while ago."""
    before = time.time() - 60
    os.utime(path, (before, before))


class TestFile:
    def test_what_has_not_changed_is_not_read_again(self, tmp_path: Path) -> None:
        path = tmp_path / "policy.yaml"
        pin(path, **ALLOWED)
        aged(path)
        pinned = Pinned(str(path))
        path.chmod(0)  # whoever may read everything sees the same by the identity
        assert pinned.now() is pinned
        path.chmod(0o600)

    @pytest.mark.parametrize("old", [True, False])
    def test_a_change_is_noticed_however_soon_it_comes(self, tmp_path: Path, old: bool) -> None:
        path = tmp_path / "policy.yaml"
        pin(path, tools={"deny": ["aaa"]})
        if old:
            aged(path)
        pinned = Pinned(str(path))
        for name in ("bbb", "ccc"):
            pin(path, tools={"deny": [name]})  # of the same length
            pinned = pinned.now()
            assert pinned.policies[0].spec.tools.deny == [name]

    def test_one_that_is_touched_only_is_the_same(self, tmp_path: Path) -> None:
        path = tmp_path / "policy.yaml"
        pin(path, **ALLOWED)
        pinned = Pinned(str(path))
        aged(path)
        assert pinned.now() is pinned

    def test_one_that_is_gone_is_no_permission(self, tmp_path: Path) -> None:
        path = tmp_path / "policy.yaml"
        pin(path, **FORBIDDEN)
        pinned = Pinned(str(path))
        path.unlink()
        with pytest.raises(UsageError, match="cannot be read"):
            pinned.now()

    def test_without_one_nothing_is_looked_at(self) -> None:
        nothing = Pinned()
        assert nothing.now() is nothing


class TestPlanning:
    @pytest.fixture
    def settings(self, tmp_path: Path, sqlite_url: str) -> Settings:
        folder, policy = tmp_path / "agents.d", tmp_path / "policy.yaml"
        folder.mkdir()
        (folder / "t.yaml").write_text(json.dumps(TYPE))
        pin(policy, **ALLOWED)
        return Settings(str(folder), sqlite_url, tmp_path / "cache", policy=str(policy))

    def test_whoever_follows_a_source_follows_the_policy_too(self, settings: Settings) -> None:
        with open_reconciler(settings, create=True, stays=True) as reconciler:
            assert not reconciler.plan().problems
            pin(Path(settings.policy), **FORBIDDEN)
            plan = reconciler.plan()
            assert [problem.code for problem in plan.problems] == ["policy-tool"]
            with pytest.raises(ManifestsInvalid):
                reconciler.apply(plan)
            Path(settings.policy).write_text("kind: [")
            with pytest.raises((ManifestsInvalid, UsageError)):
                reconciler.plan()
            pin(Path(settings.policy), **ALLOWED)
            assert reconciler.apply(reconciler.plan()).applied

    def test_a_controller_goes_on_once_the_policy_is_in_order(self, settings: Settings) -> None:
        refused: list[str] = []
        policy, manifest = Path(settings.policy), Path(settings.source) / "t.yaml"
        text = manifest.read_text()
        manifest.unlink()

        def tell(report: Report, _: object) -> None:
            refused.extend([report.error.code] if report.error else [])

        controller = open_controller(settings, interval=0.05, told=tell)

        def mend() -> None:
            try:
                wait_for(lambda: Path(settings.database.removeprefix("sqlite:///")).exists())
                policy.write_text("kind: [")
                manifest.write_text(text)
                wait_for(lambda: bool(refused))
                assert _types(settings) == []
                pin(policy, **ALLOWED)
                wait_for(lambda: bool(_types(settings)))
            finally:
                controller.stop()

        mending = threading.Thread(target=mend)
        mending.start()
        controller.run()
        mending.join(30)
        assert refused[0] in ("manifests-invalid", "usage")
        assert _types(settings) == ["t"]

    def test_a_controller_does_not_begin_with_a_policy_that_is_not_in_order(self, settings: Settings) -> None:
        Path(settings.policy).write_text("kind: [")
        with pytest.raises(ManifestsInvalid):
            open_controller(settings)

    def test_a_schema_manager_judges_by_what_is_pinned_now(self, settings: Settings) -> None:
        manager, text = open_schema_manager(settings), json.dumps(TYPE)
        assert not manager.validate(text)
        pin(Path(settings.policy), **FORBIDDEN)
        assert [problem.code for problem in manager.validate(text)] == ["policy-tool"]


def _types(settings: Settings) -> list[str]:
    with connect(settings.database) as connection:
        try:
            return [name for (name,) in connection.execute("SELECT name FROM agent_types WHERE current")]
        except Exception:
            return []


class TestWorking:
    @pytest.fixture(autouse=True)
    def _importable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PYTHONPATH", test_worker.ROOT)

    @pytest.fixture
    def connection(self, database_url: str) -> Iterator[Connection]:
        with connect(database_url) as opened:
            deploy_tallies(opened)
            yield opened

    def test_a_worker_judges_each_task_by_what_is_pinned_then(
        self, connection: Connection, database_url: str, tmp_path: Path
    ) -> None:
        policy = tmp_path / "policy.yaml"
        pin(policy, **ALLOWED)
        worker: Worker = test_worker.worker_for(database_url, gate=Gate(None, Pinned(str(policy))))
        with test_worker.at_work(worker):
            assert self.ended(connection, 1) is TaskState.SUCCEEDED
            pin(policy, **FORBIDDEN)
            assert self.ended(connection, 2) is TaskState.FAILED
            policy.write_text("kind: [")
            (waiting,) = submit_tallies(connection, 1, first=3)
            time.sleep(1.2)
            assert test_worker.state_of(connection, waiting) is TaskState.PENDING
            pin(policy, **ALLOWED)
            wait_for(lambda: test_worker.state_of(connection, waiting) is TaskState.SUCCEEDED)
        failures = connection.execute("SELECT error_code, error_message FROM tasks WHERE state = 'failed'")
        assert [code for code, _ in failures] == ["denied"]
        assert "policy-tool" in failures[0][1]

    @staticmethod
    def ended(connection: Connection, number: int) -> TaskState:
        (task,) = submit_tallies(connection, 1, first=number)
        wait_for(lambda: test_worker.state_of(connection, task) not in (TaskState.PENDING, TaskState.RUNNING))
        return test_worker.state_of(connection, task)

    def test_how_many_incidents_are_too_many_is_read_anew_as_well(self, tmp_path: Path) -> None:
        policy = tmp_path / "policy.yaml"
        pin(policy, **ALLOWED)
        gate = Gate(None, Pinned(str(policy)))
        assert gate.incident_rules == ()
        pin(policy, incidents={"disable_after": "3/hour"})
        assert not gate.shut()
        assert gate.incident_rules == ("3/hour",)


def wait_for(condition: object, seconds: float = 30.0) -> None:
    assert callable(condition)
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.05)

"""The system drops events where too many come at once: nothing that they were about is missed, then or later."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.faults.controlled import Controlled, digests, wait_until
from tests.faults.test_edits import manifest, wanted

QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")


def test_what_happened_while_events_were_dropped_is_applied_and_watched_from_then_on(tmp_path: Path) -> None:
    folder, database = tmp_path / "agents.d", f"sqlite:///{tmp_path}/r.db"
    folder.mkdir()
    early = folder / "early.yaml"
    early.write_text(manifest("early", 1))
    with Controlled(folder, database, tmp_path, "--interval", "3600") as controller:
        wait_until(lambda: digests(database) == wanted(folder), "applied")
        controller.signal(signal.SIGSTOP)
        _overflow(folder)
        # Nobody is told of this folder, nor would be of what changes in it.
        late = folder / "late"
        late.mkdir()
        (late / "late.yaml").write_text(manifest("late", 1))
        controller.signal(signal.SIGCONT)
        wait_until(lambda: "type/late" in digests(database), "what came meanwhile is applied")
        for number in range(2, 5):
            _wait_until_at_rest(controller)
            (late / "late.yaml").write_text(manifest("late", number))
            wait_until(lambda: digests(database) == wanted(folder), "and what happens in it from then on", 15)


def _overflow(folder: Path) -> None:
    """More events than the queue holds, none the same as the one before it: those are told once."""
    notes = [folder / "a.txt", folder / "b.txt"]
    for note in notes:
        note.touch()
    for number in range(int(QUEUE.read_text()) + 1_000):
        os.utime(notes[number % 2])


def _wait_until_at_rest(controller: Controlled) -> None:
    """Until it has used no processor for a while, its second look over."""
    used: list[float] = []

    def rests() -> bool:
        fields = Path(f"/proc/{controller.process.pid}/stat").read_text().rpartition(")")[2].split()
        used.append(int(fields[11]) + int(fields[12]))
        return len(used) > 60 and used[-1] - used[-60] <= 2

    wait_until(rests, "it is at rest")

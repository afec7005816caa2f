"""Long work: done by a thread of its own, while whoever asked polls or listens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from api.problems import items_of
from reconciler.database import long_work
from reconciler.database.connection import Connection
from reconciler.errors import ReconcilerError

AT_ONCE = 4
_log = logging.getLogger("reconciler.api")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far work has come: `done` of `total` parts of a step called `point`."""

    point: str = ""
    done: int = 0
    total: int = 0


Report = Callable[[str, int, int], None]
Work = Callable[[Report], Mapping[str, Any]]


class Operations:
    """The long work of one server. `open_connection` gives one for a moment."""

    def __init__(self, open_connection: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._open = open_connection
        self._threads = ThreadPoolExecutor(AT_ONCE, "operation")
        self._progress: dict[str, Progress] = {}

    def start(self, kind: str, actor: str, request: Mapping[str, Any], work: Work) -> str:
        """The id by which it can be followed. What `work` returns is the result; errors become one as well."""
        with self._open() as connection:
            identity = long_work.begin(connection, kind, actor, request)
        self._progress[identity] = Progress()
        self._threads.submit(self._run, identity, work)
        return identity

    def progress(self, identity: str) -> Progress | None:
        """Of work that runs in this server; None of any other."""
        return self._progress.get(identity)

    def close(self) -> None:
        """Once all work has come to its end."""
        self._threads.shutdown()

    def _run(self, identity: str, work: Work) -> None:
        def report(point: str, done: int, total: int) -> None:
            self._progress[identity] = Progress(point, done, total)

        state, result = _outcome(work, report)
        try:
            with self._open() as connection:
                long_work.end(connection, identity, state, result)
        except ReconcilerError as error:
            _log.error(
                "operation %s ended as %s, which could not be recorded: %s", identity, state, error.message
            )
        finally:
            self._progress.pop(identity, None)


def _outcome(work: Work, report: Report) -> tuple[long_work.State, Mapping[str, Any]]:
    try:
        return "succeeded", work(report)
    except ReconcilerError as error:
        errors = [item.model_dump() for item in items_of(error)]
        return "failed", {"code": error.code, "detail": error.message, "hint": error.hint, "errors": errors}
    except Exception as error:
        _log.error("operation failed", exc_info=error)
        return "failed", {"code": "internal", "detail": "something went wrong inside; the log has it"}

"""The task's rows as one line of steps may use them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any, NoReturn

from reconciler.errors import Cancelled, Denied
from reconciler.spec.task import Write, WriteMode
from reconciler.tools.rows import Row, TaskRows


class BranchRows(TaskRows):
    """All branches of a task see the same rows; what is written here goes into `writes` as well, those of its branch
    in their order."""

    def __init__(self, shared: TaskRows, writes: list[Write]) -> None:
        self._shared, self._own = shared, writes
        self._closed = False
        self._closing = Lock()

    @property
    def writes(self) -> list[Write]:
        return self._own

    def close(self) -> None:
        """Take no more, not even what is being described right now: whoever holds it has been given up."""
        with self._closing:
            self._closed = True

    def write(
        self,
        model: str,
        mode: WriteMode,
        key: Sequence[str],
        values: Mapping[str, Any],
        *,
        where: str = "values",
    ) -> Row:
        with self._shared.writing:
            row = self._shared.write(model, mode, key, values, where=where)
            write = self._shared.writes[-1]
            with self._closing:
                if not self._closed:
                    self._own.append(write)
                    return row
            self._shared.forget([write])
        raise Cancelled("the step that writes was given up")

    def read(
        self,
        model: str,
        *,
        where: Mapping[str, Any] | None = None,
        fields: Sequence[str] = (),
        order_by: Sequence[str] = (),
        limit: int = 100,
    ) -> list[Row]:
        return self._shared.read(model, where=where, fields=fields, order_by=order_by, limit=limit)

    def forget(self, writes: Sequence[Write]) -> None:
        self._shared.forget(writes)


class _NoRows(TaskRows):
    """For tools that do not declare that they use tables."""

    def __init__(self) -> None:
        """Of no task."""

    def write(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise Denied("the tool does not declare that it uses tables")

    def read(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise Denied("the tool does not declare that it uses tables")


NO_ROWS: TaskRows = _NoRows()

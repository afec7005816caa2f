"""Runs the statements of a unit: in the transaction that registers it, or phase by phase beside the traffic.

Nothing here decides what is to be done or writes the catalog; the statements come from `operations`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from reconciler.database.failures import ConstraintViolated, LockTimeout
from reconciler.database.sql_text import quote
from reconciler.database.statement import Phase, Statement

if TYPE_CHECKING:
    from reconciler.database.connection import Connection

Checkpoint = Callable[[str, int, int], None]
"""Told (point, done, total) as work goes on; may raise to stop it."""

BATCH = 5_000
"""Rows a batched statement touches at a time: short enough that no lock is held for long."""
LOCK_ATTEMPTS = 6
"""How often a statement asks for its lock; the waits between add up to about half a minute."""


def run_together(connection: Connection, statements: Sequence[Statement], checkpoint: Checkpoint) -> None:
    """Run statements inside the caller's transaction. Raises ConstraintViolated where a question has an
    answer."""
    for position, statement in enumerate(statements):
        checkpoint("statement", position, len(statements))
        found = connection.execute(statement.sql)
        if statement.expect_empty and found:
            raise ConstraintViolated(
                f"{statement.table}: {statement.comment or 'rows would refer to rows that are not there'}"
                f" ({len(found)} found)",
                where=f"table/{statement.table}",
                hint="correct what was found, then plan again",
            )


def run_online(connection: Connection, statements: Sequence[Statement], checkpoint: Checkpoint) -> None:
    """Run statements one by one, each committed by itself, outside of any transaction. Each may be run again
    after a crash: what is done already is done again or found done."""
    for position, statement in enumerate(statements):
        checkpoint(f"{statement.phase.value}", position, len(statements))
        match statement.phase:
            case Phase.CONCURRENT_INDEX:
                _with_patience(partial(_build_index, connection, statement), checkpoint)
            case Phase.VALIDATE if not _awaits_validation(connection, statement):
                pass
            case Phase.BACKFILL if statement.params:
                _backfill(connection, statement, checkpoint)
            case _:
                _with_patience(partial(connection.execute, statement.sql), checkpoint)


def _build_index(connection: Connection, statement: Statement) -> None:
    """A build that failed or was killed leaves an invalid index behind, which IF NOT EXISTS would take for
    the real one."""
    name = quote(statement.part.removeprefix("index/"))
    valid = connection.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(?)", (name,))
    if valid and valid[0][0]:
        return
    drop = f"DROP INDEX CONCURRENTLY IF EXISTS {name}"
    if valid:
        connection.execute(drop)
    try:
        connection.execute(statement.sql)
    except ConstraintViolated:
        connection.execute(drop)  # even invalid it would go on to refuse rows
        raise


def _awaits_validation(connection: Connection, statement: Statement) -> bool:
    """A constraint that only helps another statement is gone once that has run."""
    return bool(
        connection.execute(
            "SELECT 1 FROM pg_constraint"
            " WHERE conrelid = to_regclass(?) AND conname = ? AND NOT convalidated",
            (quote(statement.table), statement.part.removeprefix("constraint/")),
        )
    )


def _backfill(connection: Connection, statement: Statement, checkpoint: Checkpoint) -> None:
    """Batches by id. The statement skips rows that are done, so that a second run only looks at them."""
    ((last,),) = connection.execute(f"SELECT coalesce(max(id), 0) FROM {quote(statement.table)}")
    for after in range(0, last, BATCH):
        checkpoint("backfill-batch", after, last)
        batch = statement.within(after, after + BATCH)
        _with_patience(partial(connection.execute, batch), checkpoint)


def _with_patience(run: Callable[[], object], checkpoint: Checkpoint) -> None:
    """Try again where a lock was not to be had: waiting in the lock queue itself would hold up everybody
    behind."""
    for attempt in range(LOCK_ATTEMPTS):
        try:
            run()
            return
        except LockTimeout:
            if attempt == LOCK_ATTEMPTS - 1:
                raise
            checkpoint("waiting-for-lock", attempt + 1, LOCK_ATTEMPTS)
            time.sleep(min(2**attempt * 0.5, 10) * random.uniform(0.7, 1.3))

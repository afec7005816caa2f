"""One statement of a migration, and when it runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """When a statement runs; members stand in the order of the phases.

    `TRANSACTION` runs together with the registration of what it is for. The others exist on PostgreSQL only,
    for large tables: each statement of theirs is committed by itself, `CONCURRENT_INDEX` outside any
    transaction.
    """

    TRANSACTION = "transaction"
    CONCURRENT_INDEX = "concurrent-index"
    BACKFILL = "backfill"
    VALIDATE = "validate"
    SWITCH = "switch"


PHASES = tuple(Phase)

RANGE = '\n  AND "id" > :after\n  AND "id" <= :upto'
"""How a batched statement ends. A suffix, so that no literal in the statement can be taken for a
parameter."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL without a closing semicolon, exactly as it is shown and run.

    `table` is the table it is about, under the name it has in the definitions. A statement of a later phase
    also says which `part` of the table it changes, if any: `index/NAME`, `constraint/NAME` or `column/NAME`.
    `params` is ("after", "upto") for a statement that runs in batches of ids, see `within`. A statement with
    `expect_empty` is a question: any row it returns means that the migration must not be committed.
    """

    sql: str
    phase: Phase = Phase.TRANSACTION
    comment: str = ""
    table: str = ""
    part: str = ""
    params: tuple[str, ...] = ()
    expect_empty: bool = False

    @property
    def whole(self) -> str:
        """The SQL for all rows at once."""
        return self.sql.removesuffix(RANGE) if self.params else self.sql

    def within(self, after: int, upto: int) -> str:
        """The SQL for rows with `after < id <= upto`; only for statements with `params`."""
        if not self.params:
            raise ValueError("the statement does not run in batches")
        return self.whole + f'\n  AND "id" > {after:d}\n  AND "id" <= {upto:d}'


def batched(sql: str, table: str, comment: str) -> Statement:
    """A statement that ends in a WHERE clause, to be run in batches of ids."""
    return Statement(sql + RANGE, Phase.BACKFILL, comment, table, params=("after", "upto"))


def in_order(statements: list[Statement]) -> list[Statement]:
    """By phase; within a phase as they came."""
    return sorted(statements, key=lambda statement: PHASES.index(statement.phase))

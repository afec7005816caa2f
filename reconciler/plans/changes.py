"""Changes and hazards: the closed vocabulary of a plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:  # a plan that finds nothing to do is made without loading what specs are made of
    from reconciler.spec.agent import Agent
    from reconciler.spec.agent_type import AgentType
    from reconciler.spec.policy import Policy
    from reconciler.spec.state import Location, Parked
    from reconciler.spec.tables import Check, Column, Index, Table

    Subject = AgentType | Agent | Policy | Table | Column | Index | Check


class Action(StrEnum):
    """What happens to an object. `RESTORE` brings it back from the archive; `REMOVE` of a table or column
    parks it unless `disposition` says otherwise."""

    ADD = "add"
    RESTORE = "restore"
    CHANGE = "change"
    RENAME = "rename"
    REMOVE = "remove"

    @property
    def glyph(self) -> str:
        return {"add": "+", "restore": "+", "change": "~", "rename": "~", "remove": "-"}[self.value]


class Kind(StrEnum):
    POLICY = "policy"
    TYPE = "type"
    TABLE = "table"
    COLUMN = "column"
    INDEX = "index"
    CHECK = "check"
    AGENT = "agent"


class Disposition(StrEnum):
    """What becomes of the data of a removed table or column."""

    ARCHIVE = "archive"
    PURGE = "purge"
    RETAIN = "retain"


ORDERED = {"soft": Disposition.RETAIN, "hard": Disposition.ARCHIVE, "purge": Disposition.PURGE}
"""What becomes of the tables of a type by the mode in which somebody deletes it."""


class Severity(StrEnum):
    """`notice` informs; `confirm` stops an apply until allowed by code and object; `block` cannot be allowed:
    the data, the manifest or the policy must change first."""

    NOTICE = "notice"
    CONFIRM = "confirm"
    BLOCK = "block"


# --- probes: questions about rows, answered by the database before anything runs ------------------
# ---------------------------------


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of the table."""

    table: str


@dataclass(frozen=True, slots=True)
class Nulls:
    """Rows without a value in the column."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class NotNulls:
    """Rows with a value in the column."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Rows that share their values in `columns` (none of them NULL) with an earlier row."""

    table: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Orphans:
    """Rows whose value in `column` is the id of no row of `target`."""

    table: str
    column: str
    target: str


@dataclass(frozen=True, slots=True)
class Violations:
    """Rows for which the check is false; NULL passes. `renames`: (name in the expression, column)."""

    table: str
    expression: str
    renames: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Unfit:
    """Rows whose value of `before` cannot become a value of `after` and back again unchanged.

    Covers casts between types, lengths, precision and enum values, as they differ between the two columns."""

    table: str
    before: Column
    after: Column


@dataclass(frozen=True, slots=True)
class OutOfBounds:
    """Rows whose value in `before` violates `after`'s minimum, maximum or min_length."""

    table: str
    before: Column
    after: Column


Probe = Rows | Nulls | NotNulls | Duplicates | Orphans | Violations | Unfit | OutOfBounds


@dataclass(frozen=True, slots=True)
class Hazard:
    """A coded risk of one change.

    `object` is how `--allow CODE:OBJECT` names it (`email-analysis.analysis.body`); `rows` is the count the
    probe gave, None where no row is concerned or no database was asked. A hazard with a probe that counts 0
    is no hazard.
    """

    code: str
    severity: Severity
    address: str
    object: str
    message: str
    suggestion: str
    probe: Probe | None = None
    rows: int | None = None
    location: Location | None = None

    def counted(self, rows: int) -> Hazard:
        return replace(self, rows=rows)


@dataclass(frozen=True, slots=True)
class Change:
    """One typed difference. Of `before` and `after` at least one is given; both are of the change's kind.

    `reason` is for people; nothing branches on it. `fill` is what rows without a value get. `parked` is the
    archive entry a restore takes from. `lossy` is set once probes have told that values will not survive a
    conversion: the old column is then parked and a new one filled.
    """

    action: Action
    kind: Kind
    address: str
    before: Subject | None = None
    after: Subject | None = None
    reason: str = ""
    hazards: tuple[Hazard, ...] = ()
    disposition: Disposition | None = None
    parked: Parked | None = None
    lossy: bool = False
    drift: bool = False
    location: Location | None = None

    def evolve(self, **changes: Any) -> Change:
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class TableMigration:
    """Everything that happens to one table, as one step of the database: `before` -> `after`.

    `before` is None for a new table (or, with `restored`, one that comes back from the archive and whose
    definition there is `restored.definition`); `after` is None for one that goes.
    """

    name: str
    before: Table | None
    after: Table | None
    changes: tuple[Change, ...]
    restored: Parked | None = None
    disposition: Disposition | None = None
    parked: tuple[Parked, ...] = ()
    """Columns already parked in the table, which stay where they are."""
    done: bool = False
    """Somebody else has run it: the table is as it should be, and only has to be put on record."""

    @property
    def start(self) -> Table | None:
        """The definition the alterations start from."""
        return self.before if self.restored is None else cast("Table", self.restored.definition)


@dataclass(frozen=True, slots=True)
class Unit:
    """A connected component: applied as a whole or not at all. `name` is its first address."""

    name: str
    changes: tuple[Change, ...]
    migrations: tuple[TableMigration, ...] = ()

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        return tuple(hazard for change in self.changes for hazard in change.hazards)

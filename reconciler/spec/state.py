"""State: a set of specs by address. One type, two sources: manifests (desired) and database (actual).

A state knows the digest of everything and loads a spec only when asked: comparing two states costs one
dictionary walk, and importing this module does not import the spec models (nor pydantic).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from reconciler.spec.agent import Agent
    from reconciler.spec.agent_type import AgentType
    from reconciler.spec.codec import Spec
    from reconciler.spec.policy import Policy
    from reconciler.spec.tables import Column, Table

LANGUAGE = "reconciler/v1+1"
"""Meaning of a spec. Raised whenever the same YAML comes to mean other tables, so that every digest moves."""

KIND_OF = {"AgentType": "type", "Agent": "agent", "Policy": "policy"}


def digest_of(text: str) -> str:
    return hashlib.sha256(f"{LANGUAGE}\n{text}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Location:
    """A place in the source. `file` is relative to the source's root; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Entry:
    digest: str
    location: Location | None = None


class State:
    """Entries by address, and a loader for their specs (called at most once per address)."""

    def __init__(
        self,
        entries: Mapping[str, Entry],
        load: Callable[[str], Spec],
        *,
        digest: str | None = None,
        held: frozenset[str] = frozenset(),
        text: Callable[[str], str] | None = None,
    ) -> None:
        """`held` are addresses whose manifests are broken at the moment: neither changed nor removed. `text` gives
        the canonical text at an address where it is at hand; without it, texts are made of the specs."""
        self.entries = entries
        self.held = held
        self._load = load
        self._text = text
        self._specs: dict[str, Spec] = {}
        self._digest = digest

    def holding(self, addresses: Iterable[str]) -> State:
        """This state, with further addresses held. What it says of them is left out; its digest stays."""
        further, entries = frozenset(addresses), self.entries
        if not further.isdisjoint(entries):
            entries = {address: entry for address, entry in entries.items() if address not in further}
        held = State(entries, self._load, digest=self.digest, held=self.held | further, text=self._text)
        held._specs = self._specs
        return held

    def with_entries_of(self, other: State, addresses: Iterable[str]) -> State:
        """This state, saying at these addresses what another says there; its digest stays."""
        taken = {address: other.entries[address] for address in addresses}

        def text(address: str) -> str:
            return (other if address in taken else self).text(address)

        def load(address: str) -> Spec:
            return (other if address in taken else self).spec(address)

        return State({**self.entries, **taken}, load, digest=self.digest, held=self.held, text=text)

    @property
    def digest(self) -> str:
        """One digest over everything in the state; independent of order, files and positions."""
        if self._digest is None:
            self._digest = digest_of_entries(
                {address: entry.digest for address, entry in self.entries.items()}
            )
        return self._digest

    def spec(self, address: str) -> Spec:
        """The spec at an address; KeyError where there is none."""
        if address not in self._specs:
            if address not in self.entries:
                raise KeyError(address)
            self._specs[address] = self._load(address)
        return self._specs[address]

    def text(self, address: str) -> str:
        """The canonical text at an address, of which its digest was made; KeyError where there is none."""
        if self._text is not None and address in self.entries:
            return self._text(address)
        from reconciler.spec.codec import canonical

        return canonical(self.spec(address))

    def agent_type(self, name: str) -> AgentType | None:
        from reconciler.spec.agent_type import AgentType

        spec = self.spec(f"type/{name}") if f"type/{name}" in self.entries else None
        return spec if isinstance(spec, AgentType) else None

    def agent(self, name: str) -> Agent | None:
        from reconciler.spec.agent import Agent

        spec = self.spec(f"agent/{name}") if f"agent/{name}" in self.entries else None
        return spec if isinstance(spec, Agent) else None

    def policies(self) -> list[Policy]:
        from reconciler.spec.policy import Policy

        found = (self.spec(address) for address in sorted(self.entries) if address.startswith("policy/"))
        return [spec for spec in found if isinstance(spec, Policy)]


def digest_of_entries(digests: Mapping[str, str]) -> str:
    lines = [f"{address} {digests[address]}" for address in sorted(digests)]
    return hashlib.sha256("\n".join((LANGUAGE, *lines)).encode()).hexdigest()[:32]


TableStatus = Literal["live", "retained"]


@dataclass(frozen=True, slots=True)
class Parked:
    """An archived table or column: where it is, what it was, and which revision put it there.

    `column` is None for a table. `stored_as` is the name it has now. For a table, `definition` is its last
    Table; for a column, its Column. `became` is the column that took its values, as far as they fit, if one did.
    """

    id: int
    table: str
    column: str | None
    stored_as: str
    definition: Table | Column
    revision: int
    rows: int
    archived_at: str
    owner: str = ""
    became: Column | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference between what was applied and what is there now, though nobody changed the desired state.

    `address` names the object (`table/NAME`, `table/NAME/column/FIELD`, `.../index/NAME`,
    `.../constraint/NAME`); `recorded` and `live` are the database's own words, None where the object is
    missing on that side.
    """

    address: str
    recorded: str | None
    live: str | None

    @property
    def message(self) -> str:
        if self.live is None:
            return f"{self.address} is missing from the database"
        if self.recorded is None:
            return f"{self.address} was added by hand: {self.live}"
        return f"{self.address} was changed by hand from {self.recorded} to {self.live}"


@dataclass(frozen=True, slots=True)
class ActualTable:
    """`definition` is what is there: as recorded, corrected by whatever drift inspection found. `recorded` is
    what was left there, where that is something else."""

    definition: Table
    status: TableStatus = "live"
    parked: tuple[Parked, ...] = ()
    drift: tuple[Drift, ...] = ()
    missing: bool = False
    recorded: Table | None = None


@dataclass(frozen=True)
class ActualTables:
    """The tables of the database, loaded when asked for."""

    names: Container[str] = frozenset()
    by_owner: Mapping[str, frozenset[str]] = field(default_factory=dict)
    load: Callable[[str], ActualTable] = lambda name: _no_table(name)
    archived: Mapping[str, Parked] = field(default_factory=dict)
    """Newest archived table by its former name."""
    parked_columns: Mapping[str, tuple[Parked, ...]] = field(default_factory=dict)
    """Columns parked in a table, by the name the table has or had."""
    drifted: frozenset[str] = frozenset()
    """Names of live tables that no longer are as recorded."""
    in_place: Callable[[Any], Any] = lambda migration: None
    """A migration (of `plans`, which states know nothing of) as one that only has to be recorded, where its
    result is there already; else None."""
    is_taken: Callable[[str], bool] = lambda name: False
    """Whether there is a table of this name that is not on record."""


def _no_table(name: str) -> ActualTable:
    raise KeyError(name)


class ActualState(State):
    """What the database holds: registered specs, tables, archives and a fingerprint of the live schema."""

    def __init__(
        self,
        entries: Mapping[str, Entry],
        load: Callable[[str], Spec],
        *,
        tables: ActualTables | None = None,
        fingerprint: str = "empty",
        revision: int = 0,
        drift: tuple[Drift, ...] = (),
        unfinished: tuple[str, ...] = (),
        suspended: frozenset[str] = frozenset(),
        deletions: Mapping[str, str] = MappingProxyType({}),
        registered: Callable[[str, str], str | None] = lambda name, version: None,
    ) -> None:
        """`unfinished` names tables on which an interrupted apply has left work. `suspended` are addresses that
        no apply may touch at the moment, `*` for all. `deletions` gives the mode (soft, hard, purge) in which an
        object goes, by address, where somebody ordered one. `registered` gives the digest a type was once registered
        with under a version, None if it never was."""
        super().__init__(entries, load)
        self.registered = registered
        self.tables = tables or ActualTables()
        self.fingerprint = fingerprint
        self.revision = revision
        self.drift = drift
        self.unfinished = unfinished
        self.suspended = suspended
        self.deletions = deletions


EMPTY = ActualState({}, lambda address: _no_spec(address))


def _no_spec(address: str) -> Spec:
    raise KeyError(address)

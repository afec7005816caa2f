"""From a wish to a changed source: planned first, written only if nothing stops it, then made true.

In a folder the source changes at once, and so does the system. In a repository the wish becomes a commit on a branch,
and people decide.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.control.proposals.drafting import drafted, removal
from reconciler.control.proposals.proposal import Author, FileChange, Proposal, Proposed, Writer
from reconciler.errors import Locked, ManifestsInvalid, NotFound, PartlyApplied, Refused, StalePlan
from reconciler.manifests.document import read
from reconciler.manifests.overlay import Overlay
from reconciler.manifests.sources import Source
from reconciler.manifests.write import address_of
from reconciler.plans.plan import Plan, stopping
from reconciler.spec.findings import did_you_mean

if TYPE_CHECKING:
    from reconciler.control.reconciler import Reconciler
    from reconciler.control.reports import Outcome
    from reconciler.manifests.compiled import Loaded
    from reconciler.spec.state import State

PATIENCE = 20.0
"""Seconds for which somebody else's apply is waited for."""
PAUSE = 0.05

Open = Callable[[Source | None], "AbstractContextManager[Reconciler]"]
"""A Reconciler over a source; None: the real one."""


class HazardsStop(Refused):
    """`plan` is what would have been done, with the hazards that stop it."""

    def __init__(self, plan: Plan, allow: Sequence[str]) -> None:
        stops = stopping(plan.hazards, allow)
        codes = ", ".join(dict.fromkeys(hazard.code for hazard in stops))
        super().__init__(
            f"hazards stop this change: {codes}", hint="allow them by code and object, or change it"
        )
        self.plan = plan
        self.stops = stops


@dataclass(frozen=True, slots=True)
class Wish:
    """What should be different: documents to be put into the source, addresses to be taken out of it."""

    title: str
    put: tuple[Mapping[str, Any], ...] = ()
    remove: tuple[str, ...] = ()
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A wish as changed files, and the plan of the source they would make."""

    wish: Wish
    changes: tuple[FileChange, ...]
    plan: Plan


@dataclass(frozen=True, slots=True)
class Done:
    """Where a draft went. `outcome` is None where the source does not change by itself."""

    plan: Plan
    proposed: Proposed
    outcome: Outcome | None = None


class Proposer:
    """Over one source. To be made anew for each wish: it reads the source once."""

    def __init__(self, source: Source, writer: Writer, load: Callable[[Source], Loaded], open_: Open) -> None:
        """`load` reads a source; `open_` gives a Reconciler for it, to be used as a context manager."""
        self._source, self._writer, self._load, self._open = source, writer, load, open_
        self._loaded: Loaded | None = None

    @property
    def state(self) -> State:
        """What the source says now. Raises SourceError."""
        return self._now().state

    def document(self, address: str) -> dict[str, Any]:
        """What stands in the source at an address, as it was written. Raises NotFound."""
        entry = self.state.entries.get(address)
        data = self._writer.read(entry.location.file) if entry and entry.location else None
        for document in read(data, "").documents if data is not None else ():
            if address_of(document.value) == address:
                return document.value
        hint = did_you_mean(address, self.state.entries)
        raise NotFound(f"the source has no {address}", hint=hint)

    def draft(self, wish: Wish) -> Draft:
        """Raises ManifestsInvalid where the source would then be wrong where it is right now; NotFound, SourceError."""
        before = set(self._now().problems)
        changes = self._changes(wish)
        proposed = Overlay(self._source, {change.path: change.content for change in changes})
        with self._open(proposed) as reconciler:
            plan = _steady_plan(reconciler)
        wrong = tuple(p for p in plan.problems if p.severity == "error" and p not in before)
        if wrong:
            raise ManifestsInvalid(wrong, hint="nothing was written")
        return Draft(wish, changes, plan)

    def carry_out(
        self, draft: Draft, author: Author, *, allow: Sequence[str] = (), actor: str = "", reason: str = ""
    ) -> Done:
        """Write the files; where that changes the source itself, apply it at once.

        Raises HazardsStop, ManifestsInvalid and SourceMoved before anything is written; afterwards PartlyApplied and
        Locked: the files are there then, and the next apply takes them up.
        """
        if draft.plan.hazards and stopping(draft.plan.hazards, allow):
            raise HazardsStop(draft.plan, allow)
        changes = tuple(change for change in draft.changes if change.content != change.seen)
        if not changes:
            return Done(draft.plan, Proposed((), live=True))
        wish = draft.wish
        proposed = self._writer.propose(Proposal(wish.title, changes, author, wish.summary))
        if not proposed.live:
            return Done(draft.plan, proposed)
        return Done(draft.plan, proposed, self.apply(allow, actor=actor, reason=reason or wish.title))

    def apply(self, allow: Sequence[str], *, actor: str, reason: str) -> Outcome:
        """What the source says now, made true. Raises Refused and PartlyApplied; Locked and StalePlan once others have
        been waited for long enough."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                with self._open(None) as reconciler:
                    plan = _steady_plan(reconciler)
                    outcome = reconciler.apply(plan, allow=allow, actor=actor, reason=reason)
                break
            except (Locked, StalePlan):
                if time.monotonic() > until:
                    raise
                time.sleep(PAUSE)
        if outcome.failed:
            told = "; ".join(f"{unit}: {error}" for unit, error in outcome.failed)
            raise PartlyApplied(told, hint="the files are written; correct them, or apply again")
        return outcome

    def _now(self) -> Loaded:
        if self._loaded is None:
            self._loaded = self._load(self._source)
        return self._loaded

    def _changes(self, wish: Wish) -> tuple[FileChange, ...]:
        desk = _Desk(self._writer)
        for address in wish.remove:
            desk.lay(removal(address, self.state, desk))
        for document in wish.put:
            desk.lay(drafted(document, self.state, desk))
        return desk.changes()


def _steady_plan(reconciler: Reconciler) -> Plan:
    """A plan whose hazards are its own. A source that was read just before others changed it looks, against a database
    that has their changes already, as if it took them away: such a plan is another one when it is made again."""
    plan = reconciler.plan()
    while plan.hazards and (again := reconciler.plan()).id != plan.id:
        plan = again
    return plan


class _Desk:
    """A writer as drafts see it: what was laid on it counts already, so that several may concern one file."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._laid: dict[str, FileChange] = {}

    def read(self, path: str) -> bytes | None:
        return self._laid[path].content if path in self._laid else self._writer.read(path)

    def paths(self) -> Iterator[str]:
        yield from dict.fromkeys((*self._writer.paths(), *self._laid))

    def propose(self, proposal: Proposal) -> Proposed:
        raise TypeError("drafts are laid on a desk, not proposed to it")

    def lay(self, change: FileChange) -> None:
        first = self._laid.get(change.path)
        seen = first.seen if first is not None else change.seen
        self._laid[change.path] = FileChange(change.path, change.content, seen)

    def changes(self) -> tuple[FileChange, ...]:
        return tuple(self._laid.values())

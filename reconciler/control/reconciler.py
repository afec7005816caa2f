"""Reconciler: the one object that command line, API and controller talk to.

A plan that finds nothing to do must not cost what it takes to do something: whatever is heavy is imported by
the method that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.control import verdict
from reconciler.errors import ManifestsInvalid, NotFound, Refused, StalePlan
from reconciler.plans.plan import PLANNER, Plan, plan_id, stopping

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from reconciler.control.planning import Planned
    from reconciler.control.reports import (
        ArchiveRecord,
        Outcome,
        RevisionDetail,
        RevisionSummary,
        Status,
    )
    from reconciler.database.connection import Connection
    from reconciler.database.lease import Lease, LeaseRecord
    from reconciler.database.migrate import Checkpoint
    from reconciler.database.statement import Statement
    from reconciler.database.suspensions import Suspension
    from reconciler.manifests.compiled import Loaded
    from reconciler.manifests.pinned import Pinned
    from reconciler.settings import Settings
    from reconciler.spec.policy import Policy
    from reconciler.spec.state import ActualState, State


PLANS_KEPT = 8
"""So many of the newest plans can be applied without being made anew from the start."""


def _silent(point: str, done: int, total: int) -> None:
    """The checkpoint of a caller who does not want to know."""


class Reconciler:
    """Plans, applies and tells. A context manager: it holds at most one connection.

    `load` reads the source (its argument: whether the cache may answer). `pinned` are the policies that hold
    besides those of the source; `load` has judged by them already.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        load: Callable[[bool], Loaded],
        create: bool = False,
        pinned: Pinned | None = None,
    ) -> None:
        self.settings = settings
        self._pinned = pinned
        self._load = load
        self._create = create
        self._open: Connection | None = None
        self._makers: dict[str, Callable[[], Planned]] = {}
        self._loaded: Loaded | None = None
        self._planned_last: Planned | None = None
        self._stamp_last = ""

    def __enter__(self) -> Reconciler:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the connection; whatever is asked next opens another one."""
        if self._open is not None:
            self._open.close()
            self._open = None

    # --- planning -------------------------------------------------------------------------------------------

    def plan(self, *, use_cache: bool = True) -> Plan:
        """What the source wants against what is there. Broken manifests are among the plan's problems; their
        objects are left alone. Raises SourceError, DatabaseError."""
        loaded = self._loaded = self._load(use_cache)
        connection = self._connection()
        if use_cache and connection is not None and not loaded.problems:
            found = self._by_verdict(connection, loaded)
            if found is not None:
                return found
        # Taken before: what moves while the plan is made must not look as if it had been seen.
        self._stamp_last = verdict.stamp_of(connection) if connection is not None else ""
        planned = self._planned_last = self._planned(loaded)
        self._makers[planned.plan.id] = lambda: self._planned_again(planned, self._load(use_cache))
        if len(self._makers) > PLANS_KEPT:  # of a program that stays, and plans again and again
            del self._makers[next(iter(self._makers))]
        if (
            not planned.plan.pending
            and not planned.plan.drift
            and not planned.plan.suspended
            and not loaded.problems
            and connection is not None
        ):
            self._remember(connection, loaded, planned.actual)
        return planned.plan

    def plan_against(self, base: Loaded, name: str, *, count: bool = True) -> Plan:
        """What the source wants against what it wanted at another commit. Not to be applied: the database is asked for
        rows only, where there is one and `count`."""
        from reconciler.control.comparing import planned_against

        loaded = self._loaded = self._load(True)
        return planned_against(
            loaded,
            base,
            source=self.settings.source,
            base_name=name,
            connection=self._connection() if count else None,
            pinned=self._policies(),
        ).plan

    def rollback_plan(self, revision: int | None = None) -> Plan:
        """What would bring back the state after `revision`; None: after the one before the newest; 0: of the
        beginning."""
        from reconciler.control.history import revision_before

        connection = self._catalog()
        target = revision_before(connection) if revision is None else revision

        def make() -> Planned:
            return self._planned_to(connection, target)

        planned = make()
        self._makers[planned.plan.id] = make
        return planned.plan

    def desired(self) -> State:
        """What the source wants, as the last plan saw it."""
        return self._last_loaded().state

    def policies(self) -> list[Policy]:
        """What holds: the policies of the source, as the last plan saw it, and those that are pinned."""
        return [*self.desired().policies(), *self._policies()]

    def _last_loaded(self) -> Loaded:
        return self._loaded or self._load(True)

    def sensitive_settings(self, type_name: str) -> frozenset[str] | None:
        """Names of the type's sensitive settings; None where the type is unknown, so that all must be masked."""
        found = self.desired().agent_type(type_name)
        return frozenset(n for n, f in found.spec.settings.items() if f.sensitive) if found else None

    def statements(self, plan: Plan) -> list[tuple[str, list[Statement]]]:
        """The SQL a plan would run, by unit."""
        from reconciler.control.compiling import large_tables, statements_of
        from reconciler.database.operations import compile_unit

        units = [unit for unit in plan.units if unit.migrations]
        connection = self._connection()
        if connection is None:  # a file that is not there yet
            return [(unit.name, compile_unit(unit, "sqlite", revision=1)) for unit in units]
        newest = self.history(1)
        revision = newest[0].number + 1 if newest else 1
        large = large_tables(connection, units, self.settings.large_table_rows)
        return [
            (unit.name, statements_of(connection, unit, revision=revision, large=large)) for unit in units
        ]

    # --- doing ----------------------------------------------------------------------------------------------

    def apply(
        self,
        plan: Plan,
        *,
        allow: Sequence[str] = (),
        reason: str = "",
        actor: str = "",
        progress: Checkpoint | None = None,
        keep_going: bool = True,
    ) -> Outcome:
        """Make a plan of this object true, as one revision.

        Raises ManifestsInvalid, Refused (hazards not allowed), Locked (somebody else applies) and StalePlan
        (source or database moved since), each before the first write."""
        from reconciler.control.applying import apply_plan

        broken = tuple(problem for problem in plan.problems if problem.severity == "error")
        if broken:
            raise ManifestsInvalid(broken, hint="correct them, then plan again; nothing was applied")
        stops = stopping(plan.hazards, allow)
        if stops:
            codes = ", ".join(dict.fromkeys(hazard.code for hazard in stops))
            raise Refused(f"hazards not allowed: {codes}", hint="see the plan for each, or allow them")
        maker = self._makers.get(plan.id, lambda: self._planned(self._load(True)))
        return apply_plan(
            self._catalog(create=True),
            plan,
            maker,
            allow=allow,
            settings=self.settings,
            actor=actor,
            reason=reason,
            checkpoint=progress or _silent,
            keep_going=keep_going,
        )

    def apply_units(
        self,
        plan: Plan,
        choose: Callable[[Plan], Plan],
        *,
        within: Lease,
        reason: str = "",
        actor: str = "",
        stopped: Callable[[], bool] = lambda: False,
    ) -> Outcome:
        """Make true what `choose` takes of a plan of this object, whatever stops the rest of it.

        `within` is a lease that must not be lost meanwhile; once `stopped`, the unit that runs is the last. Raises
        Locked and StalePlan."""
        from reconciler.control.applying import apply_plan

        planned = self._planned_last
        assert planned is not None, "what is applied was planned"

        connection, stamp = self._catalog(create=True), self._stamp_last

        def remake() -> Planned:
            if not planned.depends_on_rows and stamp and verdict.stamp_of(connection) == stamp:
                return planned
            return self._planned_again(planned, self._last_loaded())

        return apply_plan(
            connection,
            plan,
            remake,
            allow=(),
            settings=self.settings,
            actor=actor,
            reason=reason,
            checkpoint=_silent,
            choose=choose,
            within=within,
            stopped=stopped,
        )

    def check(self, identity: str, plan: Plan) -> None:
        """Raises StalePlan unless `plan` is the one that was reviewed as `identity`."""
        if plan.id != identity:
            raise StalePlan(
                f"the plan is {plan.id} now, {identity} was reviewed",
                hint="source or database moved since; plan and review again",
            )

    def suspend(
        self, addresses: Sequence[str], *, owner: str, reason: str, until: timedelta | datetime | None = None
    ) -> list[Suspension]:
        """No apply touches these objects (`*`: any) until then, or until they are resumed. Raises NotFound."""
        from reconciler.control.suspension import suspend
        from reconciler.database import records

        connection = self._catalog()
        known = self.desired().entries.keys() | records.entries(connection).keys()
        return suspend(connection, addresses, known, owner=owner, reason=reason, until=until)

    def resume(self, addresses: Sequence[str], *, actor: str) -> list[str]:
        """The addresses that were suspended until now."""
        from reconciler.database.suspensions import resume

        return resume(self._catalog(), addresses, actor=actor)

    def suspensions(self) -> dict[str, Suspension]:
        """Those in force, by address."""
        from reconciler.database.suspensions import in_force

        connection = self._catalog_if_any()
        return in_force(connection) if connection is not None else {}

    def leases(self) -> list[LeaseRecord]:
        """Who may write now, and who could."""
        from reconciler.database.lease import listed

        connection = self._catalog_if_any()
        return listed(connection) if connection is not None else []

    def break_lease(self, name: str, *, actor: str, reason: str) -> LeaseRecord:
        """Takes a lease from its holder, who writes nothing more. Raises NotFound."""
        from reconciler.control.leases import break_recorded

        return break_recorded(self._catalog(), name, actor=actor, reason=reason)

    def restore_archive(self, number: int, *, reason: str = "", actor: str = "") -> Outcome:
        from reconciler.control.archives import restore

        return restore(self._catalog(), number, actor=actor, reason=reason)

    def purge_archive(self, number: int, *, reason: str = "", actor: str = "") -> Outcome:
        from reconciler.control.archives import purge

        return purge(self._catalog(), number, actor=actor, reason=reason)

    # --- telling --------------------------------------------------------------------------------------------

    def history(self, limit: int = 20) -> list[RevisionSummary]:
        from reconciler.control.history import summaries

        connection = self._catalog_if_any()
        return summaries(connection, limit) if connection is not None else []

    def revision(self, number: int) -> RevisionDetail:
        from reconciler.control.history import detail

        return detail(self._catalog(), number)

    def archives(self, include_gone: bool = False) -> list[ArchiveRecord]:
        from reconciler.control.archives import listed

        connection = self._catalog_if_any()
        return listed(connection, include_gone=include_gone) if connection is not None else []

    def expired_archives(self) -> list[ArchiveRecord]:
        """What is parked beyond the time it was to be kept."""
        from reconciler.control.archives import expired

        connection = self._catalog_if_any()
        return expired(connection) if connection is not None else []

    def status(self) -> Status:
        from reconciler.control.status import status_of

        return status_of(self, self._catalog_if_any())

    @property
    def database(self) -> str:
        """The database's URL without its password."""
        from reconciler.database.connection import masked

        return masked(self.settings.database)

    def catalog(self) -> Connection:
        """The connection, to a database whose catalog is made if there is none."""
        return self._catalog(create=True)

    # --- inside ---------------------------------------------------------------------------------------------

    def _connection(self) -> Connection | None:
        """The connection; None where the database is a file that does not exist and may not be created."""
        if self._open is None:
            from reconciler.database.connection import connect
            from reconciler.database.failures import DatabaseMissing

            missing_is_empty = self.settings.database.startswith("sqlite")
            try:
                self._open = connect(
                    self.settings.database, create=self._create, lock_timeout=self.settings.lock_timeout
                )
            except DatabaseMissing:
                if not missing_is_empty:
                    raise
            else:
                if (
                    self._create
                ):  # whoever may write brings an older catalog up to date before looking into it
                    self._upgrade(self._open)
        return self._open

    @staticmethod
    def _upgrade(connection: Connection) -> None:
        from reconciler.database.upgrade import catalog_version, ensure_catalog

        if catalog_version(connection) is not None:
            ensure_catalog(connection)

    def _catalog_if_any(self) -> Connection | None:
        from reconciler.database.upgrade import has_catalog

        connection = self._connection()
        return connection if connection is not None and has_catalog(connection) else None

    def _catalog(self, *, create: bool = False) -> Connection:
        """A connection to a database with an up-to-date catalog. Raises NotFound where nothing was ever
        applied."""
        if create:
            self._create = True
            from reconciler.database.upgrade import ensure_catalog

            made = self._connection()
            assert made is not None, "a database that may be created is there"
            ensure_catalog(made)
        connection = self._catalog_if_any()
        if connection is None:
            raise NotFound(f"nothing was ever applied to {self.database}", hint="reconcile --apply")
        return connection

    def _planned(self, loaded: Loaded) -> Planned:
        from reconciler.control.observing import planned_from

        return planned_from(
            self._connection(),
            loaded.state,
            source=self.settings.source,
            database=self.database,
            commit=loaded.commit,
            problems=loaded.problems,
            hold_missing=bool(loaded.opaque),
            large_table_rows=self.settings.large_table_rows,
            pinned=self._policies(),
        )

    def _policies(self) -> Sequence[Policy]:
        return self._pinned.policies if self._pinned is not None else ()

    def _planned_again(self, planned: Planned, loaded: Loaded) -> Planned:
        """The plan as it would be made now; the very same one where it can be no other."""
        from reconciler.control.observing import fingerprint_now

        if not planned.depends_on_rows:
            observed = fingerprint_now(self._connection())
            if plan_id(loaded.state.digest, observed, loaded.commit) == planned.plan.id:
                return planned
        return self._planned(loaded)

    def _planned_to(self, connection: Connection, revision: int) -> Planned:
        from reconciler.control.history import as_source, lineage, state_of_revision
        from reconciler.control.observing import planned_from

        return planned_from(
            connection,
            state_of_revision(connection, revision),
            source=as_source(revision),
            database=self.database,
            large_table_rows=self.settings.large_table_rows,
            check_versions=False,
            lineage=lambda name: lineage(connection, name, revision),
            pinned=self._policies(),
        )

    def _by_verdict(self, connection: Connection, loaded: Loaded) -> Plan | None:
        known = verdict.read(self._cache_folder(), self.settings.source, self.settings.database)
        if known is None or known.desired != loaded.state.digest or known.planner != PLANNER:
            return None
        if known.stamp != verdict.stamp_of(connection):
            return None
        identity = plan_id(known.desired, known.observed, loaded.commit)
        return Plan(
            identity, self.settings.source, self.database, known.desired, known.observed, loaded.commit
        )

    def _remember(self, connection: Connection, loaded: Loaded, actual: ActualState) -> None:
        found = verdict.Verdict(loaded.state.digest, verdict.stamp_of(connection), actual.fingerprint)
        verdict.write(self._cache_folder(), self.settings.source, self.settings.database, found)

    def _cache_folder(self) -> Path:
        from reconciler.manifests.cache import cache_folder

        return cache_folder(self.settings.cache)

"""Reconciler: the one object that command line, API and controller talk to.

A plan that finds nothing to do must not cost what it takes to do something: whatever is heavy is imported by
the method that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from reconciler.control import verdict
from reconciler.control.catalog_access import CatalogAccess
from reconciler.control.oversight import Oversight
from reconciler.control.planner import Planner
from reconciler.errors import ManifestsInvalid, Refused, StalePlan
from reconciler.plans.plan import Plan, stopping

if TYPE_CHECKING:
    from reconciler.control.planning import Planned
    from reconciler.control.reports import Outcome, Status
    from reconciler.database.connection import Connection
    from reconciler.database.lease import Lease
    from reconciler.database.migrate import Checkpoint
    from reconciler.database.statement import Statement
    from reconciler.manifests.compiled import Loaded
    from reconciler.manifests.pinned import Pinned
    from reconciler.settings import Settings
    from reconciler.spec.policy import Policy
    from reconciler.spec.state import State


PLANS_KEPT = 8
"""So many of the newest plans can be applied without being made anew from the start."""


def _silent(point: str, done: int, total: int) -> None:
    """The checkpoint of a caller who does not want to know."""


class Reconciler(Oversight):
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
        self._load = load
        self._access = CatalogAccess(settings, create=create)
        self._planner = Planner(settings, self._access, pinned)
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
        self._access.close()

    # --- planning -------------------------------------------------------------------------------------------

    def plan(self, *, use_cache: bool = True) -> Plan:
        """What the source wants against what is there. Broken manifests are among the plan's problems; their
        objects are left alone. Raises SourceError, DatabaseError."""
        loaded = self._loaded = self._load(use_cache)
        connection = self._access.connection()
        if use_cache and connection is not None and not loaded.problems:
            found = self._planner.recall(connection, loaded)
            if found is not None:
                return found
        # Taken before: what moves while the plan is made must not look as if it had been seen.
        self._stamp_last = verdict.stamp_of(connection) if connection is not None else ""
        planned = self._planned_last = self._planner.plan(loaded)
        self._makers[planned.plan.id] = lambda: self._planner.plan_again(planned, self._load(use_cache))
        if len(self._makers) > PLANS_KEPT:  # of a program that stays, and plans again and again
            del self._makers[next(iter(self._makers))]
        if (
            not planned.plan.pending
            and not planned.plan.drift
            and not planned.plan.suspended
            and not loaded.problems
            and connection is not None
        ):
            self._planner.remember(connection, loaded, planned.actual)
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
            connection=self._access.connection() if count else None,
            pinned=self._planner.policies,
        ).plan

    def rollback_plan(self, revision: int | None = None) -> Plan:
        """What would bring back the state after `revision`; None: after the one before the newest; 0: of the
        beginning."""
        from reconciler.control.history import revision_before

        connection = self._access.catalog()
        target = revision_before(connection) if revision is None else revision

        def make() -> Planned:
            return self._planner.plan_of_revision(connection, target)

        planned = make()
        self._makers[planned.plan.id] = make
        return planned.plan

    def desired(self) -> State:
        """What the source wants, as the last plan saw it."""
        return self._last_loaded().state

    def policies(self) -> list[Policy]:
        """What holds: the policies of the source, as the last plan saw it, and those that are pinned."""
        return [*self.desired().policies(), *self._planner.policies]

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
        connection = self._access.connection()
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
            hint = "correct them, then plan again; nothing was applied"
            raise ManifestsInvalid(broken, hint=hint, root=self.settings.source)
        stops = stopping(plan.hazards, allow)
        if stops:
            codes = ", ".join(dict.fromkeys(hazard.code for hazard in stops))
            raise Refused(f"hazards not allowed: {codes}", hint="see the plan for each, or allow them")
        maker = self._makers.get(plan.id, lambda: self._planner.plan(self._load(True)))
        return apply_plan(
            self._access.made_catalog(),
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

        connection, stamp = self._access.made_catalog(), self._stamp_last

        def remake() -> Planned:
            if not planned.depends_on_rows and stamp and verdict.stamp_of(connection) == stamp:
                return planned
            return self._planner.plan_again(planned, self._last_loaded())

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

    # --- telling --------------------------------------------------------------------------------------------

    def status(self) -> Status:
        from reconciler.control.status import status_of

        return status_of(self, self._access.catalog_if_any())

    @property
    def database(self) -> str:
        """The database's URL without its password."""
        return self._access.name

    def catalog(self) -> Connection:
        """The connection, to a database whose catalog is made if there is none."""
        return self._access.made_catalog()

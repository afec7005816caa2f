"""What a source or a revision wants -> a plan against the database, made anew only where it could be another one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.control import verdict
from reconciler.plans.plan import PLANNER, Plan, plan_id

if TYPE_CHECKING:
    from reconciler.control.catalog_access import CatalogAccess
    from reconciler.control.planning import Planned
    from reconciler.database.connection import Connection
    from reconciler.manifests.compiled import Loaded
    from reconciler.manifests.pinned import Pinned
    from reconciler.settings import Settings
    from reconciler.spec.policy import Policy
    from reconciler.spec.state import ActualState


class Planner:
    """`pinned` are the policies that hold besides those of the source."""

    def __init__(self, settings: Settings, access: CatalogAccess, pinned: Pinned | None) -> None:
        self._settings, self._access, self._pinned = settings, access, pinned

    @property
    def policies(self) -> Sequence[Policy]:
        """As they are now: a program that stays follows the file that holds them."""
        if self._pinned is None:
            return ()
        self._pinned = self._pinned.now()
        return self._pinned.policies

    def plan(self, loaded: Loaded) -> Planned:
        from reconciler.control.observing import planned_from

        return planned_from(
            self._access.connection(),
            loaded.state,
            source=self._settings.source,
            database=self._access.name,
            commit=loaded.commit,
            problems=loaded.problems,
            hold_missing=bool(loaded.opaque),
            large_table_rows=self._settings.large_table_rows,
            pinned=self.policies,
        )

    def plan_again(self, planned: Planned, loaded: Loaded) -> Planned:
        """The plan as it would be made now; the very same one where it can be no other."""
        from reconciler.control.observing import fingerprint_now

        if not planned.depends_on_rows:
            observed = fingerprint_now(self._access.connection())
            if plan_id(loaded.state.digest, observed, loaded.commit) == planned.plan.id:
                return planned
        return self.plan(loaded)

    def plan_of_revision(self, connection: Connection, revision: int) -> Planned:
        """What would bring back the state after a revision."""
        from reconciler.control.history import as_source, lineage, state_of_revision
        from reconciler.control.observing import planned_from

        return planned_from(
            connection,
            state_of_revision(connection, revision),
            source=as_source(revision),
            database=self._access.name,
            large_table_rows=self._settings.large_table_rows,
            check_versions=False,
            lineage=lambda name: lineage(connection, name, revision),
            pinned=self.policies,
        )

    def recall(self, connection: Connection, loaded: Loaded) -> Plan | None:
        """The plan without changes that is remembered of this very source and database."""
        settings = self._settings
        known = verdict.read(self._cache_folder(), settings.source, settings.database)
        if known is None or known.desired != loaded.state.digest or known.planner != PLANNER:
            return None
        if known.stamp != verdict.stamp_of(connection):
            return None
        identity = plan_id(known.desired, known.observed, loaded.commit)
        return Plan(
            identity, settings.source, self._access.name, known.desired, known.observed, loaded.commit
        )

    def remember(self, connection: Connection, loaded: Loaded, actual: ActualState) -> None:
        """That nothing is to be done."""
        found = verdict.Verdict(loaded.state.digest, verdict.stamp_of(connection), actual.fingerprint)
        verdict.write(self._cache_folder(), self._settings.source, self._settings.database, found)

    def _cache_folder(self) -> Path:
        from reconciler.manifests.cache import cache_folder

        return cache_folder(self._settings.cache)

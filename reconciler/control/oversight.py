"""What an operator asks of what is in place, and orders besides plans: history, archives, suspensions, leases."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from reconciler.control.catalog_access import CatalogAccess
    from reconciler.control.reports import ArchiveRecord, Outcome, RevisionDetail, RevisionSummary
    from reconciler.database.lease import LeaseRecord
    from reconciler.database.suspensions import Suspension
    from reconciler.spec.state import State


class Oversight(ABC):
    """The part of a Reconciler that makes no plans. Whatever is heavy is imported by the method that needs it."""

    _access: CatalogAccess

    @abstractmethod
    def desired(self) -> State:
        """What the source wants, as the last plan saw it."""

    # --- telling --------------------------------------------------------------------------------------------

    def history(self, limit: int = 20) -> list[RevisionSummary]:
        from reconciler.control.history import summaries

        connection = self._access.catalog_if_any()
        return summaries(connection, limit) if connection is not None else []

    def revision(self, number: int) -> RevisionDetail:
        from reconciler.control.history import detail

        return detail(self._access.catalog(), number)

    def archives(self, include_gone: bool = False) -> list[ArchiveRecord]:
        from reconciler.control.archives import listed

        connection = self._access.catalog_if_any()
        return listed(connection, include_gone=include_gone) if connection is not None else []

    def expired_archives(self) -> list[ArchiveRecord]:
        """What is parked beyond the time it was to be kept."""
        from reconciler.control.archives import expired

        connection = self._access.catalog_if_any()
        return expired(connection) if connection is not None else []

    def suspensions(self) -> dict[str, Suspension]:
        """Those in force, by address."""
        from reconciler.database.suspensions import in_force

        connection = self._access.catalog_if_any()
        return in_force(connection) if connection is not None else {}

    def leases(self) -> list[LeaseRecord]:
        """Who may write now, and who could."""
        from reconciler.database.lease import listed

        connection = self._access.catalog_if_any()
        return listed(connection) if connection is not None else []

    # --- ordering -------------------------------------------------------------------------------------------

    def suspend(
        self, addresses: Sequence[str], *, owner: str, reason: str, until: timedelta | datetime | None = None
    ) -> list[Suspension]:
        """No apply touches these objects (`*`: any) until then, or until they are resumed. Raises NotFound."""
        from reconciler.control.suspension import suspend
        from reconciler.database import records

        connection = self._access.catalog()
        known = self.desired().entries.keys() | records.entries(connection).keys()
        made = suspend(connection, addresses, known, owner=owner, reason=reason, until=until)
        self.wake_controller()
        return made

    def resume(self, addresses: Sequence[str], *, actor: str) -> list[str]:
        """The addresses that were suspended until now."""
        from reconciler.database.suspensions import resume

        resumed = resume(self._access.catalog(), addresses, actor=actor)
        self.wake_controller()
        return resumed

    def wake_controller(self) -> str:
        """Has the source looked at now, wherever the controller runs; who that is, empty where there is none."""
        from reconciler.control.leases import woken

        connection = self._access.catalog_if_any()
        return woken(connection) if connection is not None else ""

    def break_lease(self, name: str, *, actor: str, reason: str) -> LeaseRecord:
        """Takes a lease from its holder, who writes nothing more. Raises NotFound."""
        from reconciler.control.leases import break_recorded

        return break_recorded(self._access.catalog(), name, actor=actor, reason=reason)

    def restore_archive(self, number: int, *, reason: str = "", actor: str = "") -> Outcome:
        from reconciler.control.archives import restore

        return restore(self._access.catalog(), number, actor=actor, reason=reason)

    def purge_archive(self, number: int, *, reason: str = "", actor: str = "") -> Outcome:
        from reconciler.control.archives import purge

        return purge(self._access.catalog(), number, actor=actor, reason=reason)

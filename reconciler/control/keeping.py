"""Keeping a lease while one statement takes longer than it lasts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from reconciler.database.connection import Connection, connect
from reconciler.database.lease import Lease
from reconciler.errors import ReconcilerError

RENEWALS = 3
"""How often a lease is renewed while it lasts: two may fail before it is lost."""


class Held(Protocol):
    """What is held while somebody writes: one lease, or several that all have to be."""

    @property
    def ttl(self) -> float: ...

    def verify(self, connection: Connection) -> None: ...

    def renew(self, connection: Connection) -> object: ...


@dataclass(frozen=True, slots=True)
class Leases:
    """Held together: whoever lost one of them writes no more."""

    leases: tuple[Lease, ...]

    @property
    def ttl(self) -> float:
        return min(lease.ttl for lease in self.leases)

    def verify(self, connection: Connection) -> None:
        for lease in self.leases:
            lease.verify(connection)

    def renew(self, connection: Connection) -> None:
        for lease in self.leases:
            lease.renew(connection)


@contextmanager
def kept_alive(connection: Connection, lease: Held) -> Iterator[None]:
    """Renews the lease over a connection of its own, from another thread, until the end of the block.

    A process that was stopped renews nothing either. That a lease was lost is noticed by whoever verifies it.
    """
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(connection.address, lease, over), name="lease", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


def _keep(address: str, lease: Held, over: threading.Event) -> None:
    while not over.wait(lease.ttl / RENEWALS):
        try:
            with connect(address) as connection:
                lease.renew(connection)
        except ReconcilerError:
            continue

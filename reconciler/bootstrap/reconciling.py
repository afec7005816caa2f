"""What makes it so: settings -> planners, appliers, writers of proposals, and the loop around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.bootstrap.judging import examination
from reconciler.bootstrap.sources import (
    git_source,
    git_token,
    load_kept,
    load_manifests,
    open_source,
    remembering,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from reconciler.control.controller.loop import Controller
    from reconciler.control.controller.passes import Report
    from reconciler.control.lifecycle.deleting import Deletions
    from reconciler.control.proposals import Writer
    from reconciler.control.proposing import Proposer
    from reconciler.control.reconciler import Reconciler
    from reconciler.database.conditions import Condition
    from reconciler.database.connection import Connection
    from reconciler.manifests.compiled import Loaded
    from reconciler.manifests.sources import Source
    from reconciler.settings import Settings


def open_reconciler(settings: Settings, *, create: bool = False, stays: bool = False) -> Reconciler:
    """A Reconciler over the source and database of the settings; a context manager.

    `create` makes the database where there is none, which only something that writes should ask for. `stays` keeps in
    memory what is known of the manifests, for a program that plans again and again.
    """
    from reconciler.control.reconciler import Reconciler
    from reconciler.manifests.pinned import Pinned

    def load(use_cache: bool) -> Loaded:
        return load_manifests(settings, use_cache=use_cache)

    read = remembering(settings) if stays else load
    return Reconciler(settings, load=read, create=create, pinned=Pinned(settings.policy))


def open_controller(
    settings: Settings,
    *,
    interval: float = 30.0,
    allow: Sequence[str] = (),
    actor: str = "",
    told: Callable[[Report, Collection[Condition]], None] | None = None,
) -> Controller:
    """What follows the source of the settings and keeps the database as it says. `run` it in the main thread, `stop`
    it from anywhere; `told` hears of every pass. Raises UsageError."""
    import os
    import socket
    from contextlib import contextmanager

    from reconciler.control.controller.health import Checkups
    from reconciler.control.controller.loop import Controller, Timing
    from reconciler.control.controller.passes import Passes
    from reconciler.control.controller.waking import Bell, DatabaseListener, FolderWatcher, Watcher
    from reconciler.database.connection import connect
    from reconciler.manifests.pinned import Pinned

    followed = open_source(settings)  # refuses now what would be refused at every pass
    _ = Pinned(settings.policy).policies
    reconciler = open_reconciler(settings, create=True, stays=True)
    in_folder = not settings.source.startswith("git+")
    name = f"{actor or settings.actor or 'controller'}"

    @contextmanager
    def catalog() -> Iterator[Connection]:
        try:
            yield reconciler.catalog()
        finally:
            reconciler.close()

    bell = Bell()
    watchers: list[Watcher] = [DatabaseListener(lambda: connect(settings.database, create=False), bell)]
    if in_folder:
        watchers.append(FolderWatcher(followed.key, bell))
    passes = Passes(
        reconciler,
        Checkups(examination()),
        actor=name,
        allow=allow,
        confirm_removals=REMOVAL_CONFIRMED if in_folder else 0.0,
        stopped=lambda: controller.stopped,
    )
    controller = Controller(
        catalog,
        passes,
        bell,
        holder=f"{name} on {socket.gethostname()}, process {os.getpid()}",
        timing=Timing(interval, settings.lease_seconds),
        watchers=watchers,
        told=told,
    )
    return controller


REMOVAL_CONFIRMED = 1.0
"""Seconds that a manifest has to be missing from a folder before its object goes."""


def open_writer(settings: Settings, *, forge: str = "", forge_api: str = "", direct: bool = False) -> Writer:
    """What puts proposals into the source of the settings. In a git repository each has a branch of its own, for which
    `forge` (github, gitlab, gitea), if named, is asked to open a pull request; `direct` commits onto the followed
    branch instead. Raises UsageError."""
    from reconciler.control.proposals import BranchWriter, FolderWriter, forge_of

    if not settings.source.startswith("git+"):
        return FolderWriter(settings.source)
    source = git_source(settings)
    opened = forge_of(forge, source.address.url, git_token(), api=forge_api) if forge else None
    return BranchWriter(source, direct=direct, forge=opened)


def open_proposer(settings: Settings, writer: Writer) -> Proposer:
    """What carries out one wish: drafted, planned, written by `writer`, applied where that is live at once."""
    from reconciler.control.proposing import Proposer
    from reconciler.control.reconciler import Reconciler
    from reconciler.manifests.pinned import Pinned

    pinned, followed = Pinned(settings.policy), open_source(settings)

    def read(source: Source) -> Loaded:
        return load_kept(source, settings, pinned)

    def opened(source: Source | None) -> Reconciler:
        return Reconciler(settings, load=lambda _: read(source or followed), create=True, pinned=pinned)

    return Proposer(followed, writer, read, opened)


def open_deletions(settings: Settings, connection: Connection, writer: Writer) -> Deletions:
    """What tells the impact of deletions, and deletes, over the source and database of the settings."""
    from reconciler.control.lifecycle.deleting import Deletions

    return Deletions(settings, connection, lambda: open_proposer(settings, writer))

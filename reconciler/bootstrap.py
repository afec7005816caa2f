"""The composition root: settings -> the objects that do the work. Nothing is built at import."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.control.reconciler import Reconciler
    from reconciler.manifests.compiled import Loaded
    from reconciler.settings import Settings


def open_reconciler(settings: Settings, *, create: bool = False) -> Reconciler:
    """A Reconciler over the source and database of the settings; a context manager. `create` makes the database where
    there is none, which only something that writes should ask for."""
    from reconciler.control.reconciler import Reconciler

    return Reconciler(settings, load=lambda use_cache: load_manifests(settings, use_cache=use_cache), create=create)


def load_manifests(settings: Settings, *, use_cache: bool = True) -> Loaded:
    """What the source says now, with everything that is wrong in it. Raises SourceError."""
    from reconciler.manifests.cache import Cache, cache_folder
    from reconciler.manifests.directory import DirectorySource
    from reconciler.manifests.load import load

    source = DirectorySource(settings.source)
    cache = Cache(cache_folder(settings.cache), source.key) if use_cache else None
    return load(source, cache)

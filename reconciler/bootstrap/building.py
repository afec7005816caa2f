"""Who helps to write manifests: settings -> the builder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.bootstrap.reconciling import open_writer
from reconciler.bootstrap.sources import open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from reconciler.builder.modelling import Conditions
    from reconciler.builder.service import AgentBuilderService
    from reconciler.control.proposals import Writer
    from reconciler.database.connection import Connection
    from reconciler.llm.provider import LLMProvider
    from reconciler.settings import Settings


def open_builder(
    settings: Settings,
    *,
    connecting: Callable[[], AbstractContextManager[Connection]] | None = None,
    writer: Callable[[], Writer] | None = None,
    conditions: Conditions | None = None,
    provider: LLMProvider | None = None,
) -> AgentBuilderService:
    """The builder over source, database and language models of the settings.

    `connecting` gives connections to a database with a catalog (default: one of its own for each call), `writer` what
    proposals go through (default: `open_writer`), `provider` the models (default: Ollama's), `conditions` say how they
    are asked (default: as the settings say).
    """
    from reconciler.builder.modelling import Conditions
    from reconciler.builder.service import AgentBuilderService
    from reconciler.builder.templates.installed import installed_templates
    from reconciler.builder.workshop import Workshop
    from reconciler.control.reconciler import Reconciler
    from reconciler.llm.ollama import Ollama
    from reconciler.manifests.pinned import Pinned

    pinned = Pinned(settings.policy)
    workshop = Workshop(
        settings,
        pinned=pinned,
        open_source=lambda: open_source(settings),
        open_writer=writer or (lambda: open_writer(settings)),
        open_reconciler=lambda load: Reconciler(settings, load=load, pinned=pinned),
    )
    return AgentBuilderService(
        connecting or _with_catalog(settings),
        workshop,
        installed_templates(),
        provider=provider or Ollama(settings.ollama_url, api_key=settings.ollama_api_key),
        conditions=conditions
        or Conditions(
            model=settings.builder_model,
            temperature=settings.builder_temperature,
            context=settings.builder_context,
            timeout=settings.builder_timeout,
        ),
    )


def _with_catalog(settings: Settings) -> Callable[[], AbstractContextManager[Connection]]:
    """Lends each thread a connection of its own, opened when first asked for; one that failed is not used again."""
    from contextlib import contextmanager
    from threading import local

    from reconciler.database.connection import connect
    from reconciler.database.upgrade import ensure_catalog

    kept = local()

    @contextmanager
    def lent() -> Iterator[Connection]:
        connection: Connection | None = getattr(kept, "connection", None)
        if connection is None:
            connection = connect(settings.database, lock_timeout=settings.lock_timeout)
            ensure_catalog(connection)
            kept.connection = connection
        try:
            yield connection
        except BaseException:
            kept.connection = None
            connection.close()
            raise

    return lent

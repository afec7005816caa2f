"""What is known in the database: settings -> schemas and agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.bootstrap.running import open_cipher

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.agents.registry import AgentRegistry
    from reconciler.agents.schema_manager import SchemaManager
    from reconciler.control.reports import Outcome
    from reconciler.manifests.compiled import Loaded
    from reconciler.settings import Settings


def open_schema_manager(settings: Settings) -> SchemaManager:
    """A SchemaManager over the database of the settings; what it registers is planned and applied by a
    Reconciler like anything else."""
    from dataclasses import replace

    from reconciler.agents.schema_manager import SchemaManager
    from reconciler.control.reconciler import Reconciler
    from reconciler.manifests.pinned import Pinned

    pinned = Pinned(settings.policy)

    def apply(load: Callable[[bool], Loaded], *, allow: Sequence[str], actor: str, reason: str) -> Outcome:
        here = replace(settings, source="SchemaManager")
        with Reconciler(here, load=load, create=True, pinned=pinned) as reconciler:
            plan = reconciler.plan(use_cache=False)
            return reconciler.apply(plan, allow=allow, actor=actor, reason=reason)

    cipher = open_cipher(settings)
    return SchemaManager(settings.database, apply=apply, cache=settings.cache, pinned=pinned, cipher=cipher)


def open_agent_registry(settings: Settings) -> AgentRegistry:
    """All agents in the database of the settings, and those that installed packages bring."""
    from reconciler.agents.registry import AgentRegistry
    from reconciler.agents.static import installed_agents
    from reconciler.tools.registry import builtin_registry

    return AgentRegistry(open_schema_manager(settings), installed_agents(), builtin_registry())

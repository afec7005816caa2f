"""The composition root: settings -> the objects that do the work. Nothing is built, and little read, at import.

sources      what is wanted
reconciling  what makes it so
registering  what is known of it in the database
judging      what is judged of it
running      what does the work
building     who helps to write it
"""

from reconciler.bootstrap.building import open_builder
from reconciler.bootstrap.judging import examination, rehearsals
from reconciler.bootstrap.reconciling import (
    open_controller,
    open_deletions,
    open_proposer,
    open_reconciler,
    open_writer,
)
from reconciler.bootstrap.registering import open_agent_registry, open_schema_manager
from reconciler.bootstrap.running import (
    agent_factory,
    open_cipher,
    open_counter,
    open_gate,
    open_worker,
    run_celery_worker,
    run_once,
    run_scheduler,
    task_queue,
)
from reconciler.bootstrap.sources import load_base, load_manifests, open_source

__all__ = [
    "agent_factory",
    "examination",
    "load_base",
    "load_manifests",
    "open_agent_registry",
    "open_builder",
    "open_cipher",
    "open_controller",
    "open_counter",
    "open_deletions",
    "open_gate",
    "open_proposer",
    "open_reconciler",
    "open_schema_manager",
    "open_source",
    "open_worker",
    "open_writer",
    "rehearsals",
    "run_celery_worker",
    "run_once",
    "run_scheduler",
    "task_queue",
]

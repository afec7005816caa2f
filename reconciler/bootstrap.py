"""The composition root: settings -> the objects that do the work. Nothing is built at import."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from reconciler.agents.factory import AgentFactory
    from reconciler.agents.registry import AgentRegistry
    from reconciler.agents.rehearsal import Rehearsal
    from reconciler.agents.schema_manager import SchemaManager
    from reconciler.builder.modelling import Conditions
    from reconciler.builder.service import AgentBuilderService
    from reconciler.control.controller.judging import Health
    from reconciler.control.controller.loop import Controller
    from reconciler.control.controller.passes import Report
    from reconciler.control.lifecycle.deleting import Deletions
    from reconciler.control.proposals import Writer
    from reconciler.control.proposing import Proposer
    from reconciler.control.reconciler import Reconciler
    from reconciler.control.reports import Outcome
    from reconciler.database.conditions import Condition
    from reconciler.database.connection import Connection
    from reconciler.database.rates import Counter
    from reconciler.database.rows.cipher import Cipher
    from reconciler.database.tasks import TaskKind
    from reconciler.execution.gate import Gate
    from reconciler.execution.inline import Ran
    from reconciler.execution.jobs import Executor
    from reconciler.execution.monitoring import Metrics
    from reconciler.execution.tasks import TaskQueue
    from reconciler.execution.worker import Worker
    from reconciler.llm.provider import LLMProvider
    from reconciler.manifests.cache import Cache
    from reconciler.manifests.compiled import Loaded
    from reconciler.manifests.git_source import GitSource
    from reconciler.manifests.pinned import Pinned
    from reconciler.manifests.sources import Source
    from reconciler.settings import Settings
    from reconciler.spec.codec import Spec
    from reconciler.spec.state import State
    from reconciler.spec.task import Values
    from reconciler.tools.host import Host


def open_reconciler(settings: Settings, *, create: bool = False, stays: bool = False) -> Reconciler:
    """A Reconciler over the source and database of the settings; a context manager.

    `create` makes the database where there is none, which only something that writes should ask for. `stays` keeps in
    memory what is known of the manifests, for a program that plans again and again.
    """
    from reconciler.control.reconciler import Reconciler
    from reconciler.manifests.pinned import Pinned

    remembered = _remembered(settings) if stays else None

    def load(use_cache: bool) -> Loaded:
        return load_manifests(settings, use_cache=use_cache, cache=remembered)

    return Reconciler(settings, load=load, create=create, pinned=Pinned(settings.policy))


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
    from reconciler.control.controller.waking import Bell, FolderWatcher

    followed = open_source(settings)  # refuses now what would be refused at every pass
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
        watcher=FolderWatcher(followed.key, bell) if in_folder else None,
        told=told,
    )
    return controller


REMOVAL_CONFIRMED = 1.0
"""Seconds that a manifest has to be missing from a folder before its object goes."""


def examination() -> Callable[[State, str], Health]:
    """What tells the health of an object of a state: a type's tests are run, an agent is built."""
    from reconciler.agents.dynamic import DynamicAgent
    from reconciler.control.controller.judging import HEALTHY, Health
    from reconciler.errors import ReconcilerError
    from reconciler.tools.registry import builtin_registry

    registry = builtin_registry()

    def agent_health(state: State, name: str) -> Health:
        agent = state.agent(name)
        assert agent is not None, "an agent of this state"
        relies_on = f"type/{agent.spec.type}"
        agent_type = state.agent_type(agent.spec.type)
        if agent_type is None:
            return HEALTHY  # of an installed type, which its package answers for
        try:
            DynamicAgent(agent, agent_type, registry)
        except ReconcilerError as error:
            return Health("degraded", f"it cannot be built: {error.message}", relies_on)
        return Health("healthy", "", relies_on)

    def type_health(state: State, name: str) -> Health:
        (rehearsal,) = rehearsals(state, [name])
        failed = [verdict for verdict in rehearsal.verdicts if not verdict.passed]
        if not failed:
            return HEALTHY
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        return Health("degraded", f"test {failed[0].test!r} fails{more}; reconcile test {name}")

    def examine(state: State, address: str) -> Health:
        kind, _, name = address.partition("/")
        return agent_health(state, name) if kind == "agent" else type_health(state, name)

    return examine


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


def agent_factory() -> AgentFactory:
    """What builds the agents of this process."""
    from reconciler.agents.factory import AgentFactory
    from reconciler.agents.static import installed_agents
    from reconciler.tools.registry import builtin_registry

    return AgentFactory(builtin_registry(), installed_agents())


def run_once(settings: Settings, agent: str, given: Values, overrides: Values, *, actor: str = "") -> Ran:
    """Runs an agent's task in this process, in one attempt, and records it. Raises NotFound; InvalidInput and Denied
    where the task cannot be submitted."""
    from reconciler.agents.static import installed_agents
    from reconciler.database.connection import connect
    from reconciler.database.tasks import NewTask
    from reconciler.execution.inline import run_inline

    task = NewTask(agent, given, overrides, max_attempts=1, origin="cli", actor=actor)
    with connect(settings.database, create=False) as connection:
        return run_inline(
            connection,
            agent_factory(),
            task,
            settings,
            static=installed_agents(),
            cipher=open_cipher(settings),
            gate=open_gate(settings, confined=False),
        )


def open_cipher(settings: Settings) -> Cipher:
    """What seals and opens encrypted fields; NO_KEY where no key is configured. Raises UsageError."""
    from reconciler.database.encryption import cipher_of

    return cipher_of(settings.encryption_keys, settings.encryption_keys_file)


def open_counter(settings: Settings) -> Counter | None:
    """What counts calls of tools; None: the database. Raises UsageError."""
    if not settings.redis_url:
        return None
    from reconciler.database.redis_rates import RedisRates

    return RedisRates(settings.redis_url)


def open_gate(settings: Settings, *, confined: bool) -> Gate:
    """What stands before tasks that run here, `confined` by this kernel or in this very process."""
    from reconciler.execution.gate import Gate
    from reconciler.execution.sandbox import protection
    from reconciler.manifests.pinned import Pinned
    from reconciler.spec.policy import Sandbox

    level = Sandbox(protection().level.value) if confined else None
    return Gate(level, Pinned(settings.policy).policies)


def task_queue(connection: Connection, settings: Settings) -> TaskQueue:
    """The way in for tasks of all agents, dynamic and installed; sensitive inputs are sealed while they wait."""
    from reconciler.agents.static import installed_agents
    from reconciler.execution.tasks import TaskQueue

    return TaskQueue(connection, installed_agents(), open_cipher(settings))


def open_worker(
    settings: Settings,
    *,
    executor: str = "pool",
    children: int = 2,
    agents: frozenset[str] | None = None,
    kind: TaskKind | None = None,
    metrics: Metrics | None = None,
    schedule: bool = True,
) -> Worker:
    """A worker whose children are there and whose database is not open yet. Raises ZygoteFailed."""
    from reconciler.database.connection import connect
    from reconciler.execution.scheduler import Scheduler
    from reconciler.execution.worker import Scope, Worker, worker_name

    def open_executor(host: Callable[[], Host]) -> Executor:
        if executor == "inline":
            from reconciler.execution.inline import InlineExecutor, program_of

            return InlineExecutor(program_of(agent_factory(), settings), host)
        from reconciler.execution.host_calls import HostCalls
        from reconciler.execution.pool import Pool
        from reconciler.execution.zygote import Setup

        return Pool(Setup.of(settings), HostCalls(host), children=children)

    name = worker_name()
    return Worker(
        lambda: connect(settings.database, create=False, lock_timeout=settings.lock_timeout),
        open_executor,
        name=name,
        kind=executor,
        scope=Scope(agents, kind),
        ttl=settings.claim_seconds,
        cipher=open_cipher(settings),
        gate=open_gate(settings, confined=executor != "inline"),
        counter=open_counter(settings),
        metrics=metrics,
        scheduler=Scheduler(name) if schedule else None,
    )


def run_celery_worker(settings: Settings, *, children: int, kind: TaskKind | None) -> None:
    """Consumes the queues of all types, or of static agents, until told to stop. Raises UsageError without Celery."""
    from reconciler.errors import UsageError

    try:
        from reconciler.execution import celery_app
    except ImportError as error:
        raise UsageError("Celery is not installed", hint="pip install 'reconciler[celery]'") from error
    celery_app.work(settings, children=children, kind=kind)


def run_scheduler(settings: Settings, stopped: Callable[[], bool]) -> None:
    """Submits tasks by the clock until `stopped`. A database that does not answer is asked again."""
    from reconciler.database.connection import connect
    from reconciler.execution.scheduler import Scheduler, keep_scheduling
    from reconciler.execution.worker import worker_name

    def open_database() -> Connection:
        return connect(settings.database, create=False, lock_timeout=settings.lock_timeout)

    keep_scheduling(Scheduler(worker_name()), open_database, stopped)


def rehearsals(state: State, types: Iterable[str]) -> Iterator[Rehearsal]:
    """Runs the tests of these types of a state, one type after the other."""
    from reconciler.agents.rehearsal import rehearse
    from reconciler.tools.registry import builtin_registry

    def lookup(address: str) -> Spec | None:
        return state.spec(address) if address in state.entries else None

    for name in types:
        agent_type = state.agent_type(name)
        assert agent_type is not None, "a type of this state"
        yield rehearse(agent_type, builtin_registry(), lookup)


def load_manifests(settings: Settings, *, use_cache: bool = True, cache: Cache | None = None) -> Loaded:
    """What the source says now, with everything that is wrong in it. `cache` is one of the caller's. Raises
    SourceError."""
    from reconciler.manifests.cache import Cache, cache_folder
    from reconciler.manifests.load import cache_key, load
    from reconciler.manifests.pinned import Pinned

    source, pinned = open_source(settings), Pinned(settings.policy)
    if cache is None:
        cache = Cache(cache_folder(settings.cache), cache_key(source, pinned))
    return load(source, cache if use_cache else None, pinned)


def _remembered(settings: Settings) -> Cache:
    from reconciler.manifests.cache import cache_folder
    from reconciler.manifests.load import cache_key
    from reconciler.manifests.pinned import Pinned
    from reconciler.manifests.remembered import Remembered

    return Remembered(cache_folder(settings.cache), cache_key(open_source(settings), Pinned(settings.policy)))


def open_source(settings: Settings) -> Source:
    """The folder or git repository (`git+https://host/repo.git@main#agents.d`) of the settings. Raises UsageError."""
    if not settings.source.startswith("git+"):
        from reconciler.manifests.directory import DirectorySource

        return DirectorySource(settings.source)
    return _git_source(settings)


def load_base(settings: Settings, ref: str) -> tuple[Loaded, str]:
    """The manifests of the source as they are at a branch, tag or commit of its repository, and what to call that.
    Raises UsageError where the source is in no repository, SourceError where that has no such commit."""
    from dataclasses import replace
    from pathlib import Path

    from reconciler.errors import UsageError
    from reconciler.manifests.git import Git, GitError

    if settings.source.startswith("git+"):
        repository, _, folder = settings.source.partition("#")
        address = f"{repository.partition('@')[0]}@{ref}#{folder}"
        return load_manifests(replace(settings, source=address)), ref
    followed = Path(settings.source)
    git = Git(followed if followed.is_dir() else Path())
    try:
        root = git.text("rev-parse", "--show-toplevel")
        prefix = git.text("rev-parse", "--show-prefix").strip("/")
    except GitError as error:
        raise UsageError(
            f"{settings.source} is not in a git repository", hint="--base compares with a commit of one"
        ) from error
    commit = git.commit_of(ref)
    if commit is None:
        raise GitError(
            f"there is no commit {ref} here", hint="fetch it first: CI often has the newest commit only"
        )
    address = f"git+file://{root}@{commit}#{prefix}"
    return load_manifests(replace(settings, source=address)), f"{ref} at {commit[:12]}"


def open_writer(settings: Settings, *, forge: str = "", forge_api: str = "", direct: bool = False) -> Writer:
    """What puts proposals into the source of the settings. In a git repository each has a branch of its own, for which
    `forge` (github, gitlab, gitea), if named, is asked to open a pull request; `direct` commits onto the followed
    branch instead. Raises UsageError."""
    from reconciler.control.proposals import BranchWriter, FolderWriter, forge_of

    if not settings.source.startswith("git+"):
        return FolderWriter(settings.source)
    source = _git_source(settings)
    opened = forge_of(forge, source.address.url, _git_token(), api=forge_api) if forge else None
    return BranchWriter(source, direct=direct, forge=opened)


def open_proposer(settings: Settings, writer: Writer) -> Proposer:
    """What carries out one wish: drafted, planned, written by `writer`, applied where that is live at once."""
    from reconciler.control.proposing import Proposer
    from reconciler.control.reconciler import Reconciler
    from reconciler.manifests.pinned import Pinned

    pinned, followed = Pinned(settings.policy), open_source(settings)

    def read(source: Source) -> Loaded:
        return _load_kept(source, settings, pinned)

    def opened(source: Source | None) -> Reconciler:
        return Reconciler(settings, load=lambda _: read(source or followed), create=True, pinned=pinned)

    return Proposer(followed, writer, read, opened)


def open_deletions(settings: Settings, connection: Connection, writer: Writer) -> Deletions:
    """What tells the impact of deletions, and deletes, over the source and database of the settings."""
    from reconciler.control.lifecycle.deleting import Deletions

    return Deletions(settings, connection, lambda: open_proposer(settings, writer))


def _load_kept(source: Source, settings: Settings, pinned: Pinned) -> Loaded:
    from reconciler.manifests.cache import Cache, cache_folder
    from reconciler.manifests.load import cache_key, load

    return load(source, Cache(cache_folder(settings.cache), cache_key(source, pinned)), pinned)


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
    are asked.
    """
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
        provider=provider or Ollama(settings.ollama_url),
        conditions=conditions,
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


def _git_source(settings: Settings) -> GitSource:
    from reconciler.manifests.cache import cache_folder
    from reconciler.manifests.git_source import GitSource

    return GitSource(settings.source, cache_folder(settings.cache), token=_git_token())


def _git_token() -> str:
    import os

    from reconciler.manifests.git import TOKEN_VARIABLE

    return os.environ.get(TOKEN_VARIABLE, "")

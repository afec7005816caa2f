"""SchemaManager: agent types as schemas, to be validated, registered, compared and made into classes."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from reconciler.agents.catalog_source import CatalogSource
from reconciler.agents.comparison import Comparison, compare
from reconciler.database import records
from reconciler.database.connection import Connection, connect, masked
from reconciler.database.dynamic_model import DynamicModel, Models
from reconciler.database.failures import DatabaseMissing
from reconciler.database.records import TypeVersion
from reconciler.database.rows.cipher import NO_KEY, Cipher
from reconciler.database.upgrade import has_catalog
from reconciler.errors import ManifestsInvalid, NotFound, Problem, ReconcilerError
from reconciler.manifests.cache import Cache, cache_folder
from reconciler.manifests.compiled import Loaded
from reconciler.manifests.load import NOTHING_PINNED, cache_key, load
from reconciler.manifests.pinned import Pinned
from reconciler.manifests.reader import compile_file
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from reconciler.spec.codec import Spec, canonical, parse_canonical
from reconciler.spec.findings import did_you_mean
from reconciler.spec.policy import Policy
from reconciler.spec.tables import referenced_types, table_name, tables_of

MANIFEST = "manifest.yaml"
"""What the problems of a manifest that comes from no file name as their file."""


class Applied(Protocol):
    """What came of an apply: its revision, None where there was nothing to do, and the units that failed."""

    @property
    def revision(self) -> int | None: ...

    @property
    def failed(self) -> tuple[tuple[str, str], ...]: ...


class Apply(Protocol):
    """Plans and applies what `load` says is wanted, with every check and gate on the way."""

    def __call__(
        self, load: Callable[[bool], Loaded], *, allow: Sequence[str], actor: str, reason: str
    ) -> Applied: ...


class SchemaManager:
    """Over one database, which need not exist yet. Holds no connection: each call opens its own.

    `apply` is the only way in: a registration is the plan of a state that is the actual one with this type.
    It lasts as long as nobody reconciles a source that does not know the type.
    """

    def __init__(
        self,
        database: str,
        *,
        apply: Apply,
        cache: Path | None = None,
        pinned: Pinned = NOTHING_PINNED,
        cipher: Cipher = NO_KEY,
    ) -> None:
        """`cache` is the folder of the manifest cache, None for the user's own; `pinned` are the policies that hold
        besides those that are live; `cipher` opens encrypted fields of mapped classes."""
        self._database, self._apply, self._cache = database, apply, cache
        self._pinned, self._cipher = pinned, cipher
        self._spec_of = lru_cache(256)(self._load_spec)
        self._models_of = lru_cache(64)(self._make_models)
        self._building = Lock()

    def validate(self, manifest: str | Mapping[str, Any] | AgentType) -> tuple[Problem, ...]:
        """All that is wrong with the manifest, and all that would be wrong elsewhere if it were applied.

        A text is read as a file would be, and may hold several documents of any kind.
        """
        data = _bytes(manifest)
        compiled, problems, _ = compile_file(data, MANIFEST)
        if any(problem.severity == "error" for problem in problems):
            return tuple(problems)
        found = self._loaded({MANIFEST: data}, [document.address for document in compiled]).problems
        return tuple(p for p in found if p.file == MANIFEST or p.severity == "error")

    def compare(self, before: AgentType, after: AgentType) -> Comparison:
        """Raises UsageError where these are two types."""
        return compare(before, after)

    def versions(self, name: str) -> list[TypeVersion]:
        """Every version that was ever registered, newest first; none for a type that never was."""
        with self.reading() as connection:
            return records.type_versions(connection, name) if connection is not None else []

    def current(self, name: str) -> AgentType:
        """The version that is live. Raises NotFound."""
        return self._spec_of(self._live(name).digest)

    def at(self, name: str, version: str) -> AgentType:
        """A version, live or not, as it was registered last. Raises NotFound."""
        return self._spec_of(self._registered(name, version).digest)

    def model(self, type_name: str, model_name: str, version: str | None = None) -> type[DynamicModel]:
        """The class of a model, by default of the live version. Raises NotFound.

        It knows the rows that it refers to, also those of other types, by their live versions. As long as
        none of these types changes, the same class is given again.
        """
        found = self._live(type_name) if version is None else self._registered(type_name, version)
        models = self._spec_of(found.digest).spec.models
        if model_name not in models:
            hint = did_you_mean(model_name, models)
            raise NotFound(f"agent type {type_name} has no model {model_name}", hint=hint)
        digests = self._with_referenced(type_name, found.digest)
        with self._building:  # two threads at once would otherwise get two classes
            return self._models_of(digests)[table_name(type_name, model_name)]

    def register(
        self, agent_type: AgentType, *, allow: Sequence[str] = (), actor: str = "", reason: str = ""
    ) -> Applied:
        """Make this the live version, its tables included.

        Raises ManifestsInvalid, Refused (hazards, such as a version that moves too little, that are not in
        `allow`), Locked and StalePlan, each before the first write; ReconcilerError if it failed, and then
        nothing has changed.
        """
        return self.put(agent_type, allow=allow, actor=actor, reason=reason)

    def put(
        self,
        manifest: str | Mapping[str, Any] | Spec,
        *,
        allow: Sequence[str] = (),
        actor: str = "",
        reason: str = "",
    ) -> Applied:
        """Put every object of a manifest in place, of whatever kind. Raises what `register` raises."""
        data = _bytes(manifest)
        compiled, problems, _ = compile_file(data, MANIFEST)
        broken = tuple(problem for problem in problems if problem.severity == "error")
        if broken:
            raise ManifestsInvalid(broken)
        replaced = [document.address for document in compiled]
        return self._change({MANIFEST: data}, replaced, allow, actor, reason)

    def remove(
        self, address: str, *, allow: Sequence[str] = (), actor: str = "", reason: str = ""
    ) -> Applied:
        """Take out what is live at an address (`agent/inbox`). Raises NotFound, and what `register` raises."""
        with self.reading() as connection:
            live = records.entries(connection) if connection is not None else {}
        if address not in live:
            raise NotFound(f"nothing is live at {address}", hint=did_you_mean(address, live))
        return self._change({}, [address], allow, actor, reason)

    def _change(
        self,
        manifests: Mapping[str, bytes],
        replaced: Collection[str],
        allow: Sequence[str],
        actor: str,
        reason: str,
    ) -> Applied:
        applied = self._apply(
            lambda use_cache: self._loaded(manifests, replaced, use_cache=use_cache),
            allow=allow,
            actor=actor,
            reason=reason,
        )
        if applied.failed:
            raise ReconcilerError("; ".join(f"{unit}: {error}" for unit, error in applied.failed))
        return applied

    def _live(self, name: str) -> TypeVersion:
        found = next((entry for entry in self.versions(name) if entry.current), None)
        if found is None:
            raise NotFound(f"there is no agent type {name}", hint=did_you_mean(name, self._live_names()))
        return found

    def _registered(self, name: str, version: str) -> TypeVersion:
        known = self.versions(name)
        found = next((entry for entry in known if entry.version == version), None)
        if found is None:
            hint = did_you_mean(version, {entry.version for entry in known})
            raise NotFound(f"there is no version {version} of agent type {name}", hint=hint)
        return found

    def _live_names(self) -> list[str]:
        with self.reading() as connection:
            versions = records.current_versions(connection) if connection is not None else {}
        return [address.removeprefix("type/") for address in versions]

    def _load_spec(self, digest: str) -> AgentType:
        with self.reading() as connection:
            stored = records.stored_specs(connection, [digest]) if connection is not None else {}
        spec = parse_canonical("type", stored[digest].spec)
        assert isinstance(spec, AgentType), "what is registered as a type is one"
        return spec

    def _with_referenced(self, name: str, digest: str) -> tuple[str, ...]:
        """The digests of a type and of the live types that it refers to, directly or not."""
        found = {name: digest}
        pending = [digest]
        while pending:
            for owner in referenced_types(self._spec_of(pending.pop())) - found.keys():
                live = next((entry for entry in self.versions(owner) if entry.current), None)
                if live is not None:
                    found[owner] = live.digest
                    pending.append(live.digest)
        return tuple(sorted(found.values()))

    def _make_models(self, digests: tuple[str, ...]) -> Models:
        tables = (table for digest in digests for table in tables_of(self._spec_of(digest)).values())
        return Models(tables, self._cipher)

    def _loaded(
        self, manifests: Mapping[str, bytes], replaced: Collection[str], *, use_cache: bool = True
    ) -> Loaded:
        """The state that is wanted: what is live, with the manifests in the place of the addresses `replaced`."""
        source = CatalogSource(masked(self._database), self.reading, manifests, replaced)
        pinned = self._pinned.now()
        key = cache_key(source, pinned)
        cache = Cache(cache_folder(self._cache), key) if use_cache else None
        return load(source, cache, pinned)

    @contextmanager
    def reading(self) -> Iterator[Connection | None]:
        """A connection of its own for reading; None where nothing was ever applied."""
        try:
            connection = connect(self._database, create=False)
        except DatabaseMissing:
            if not self._database.startswith("sqlite"):
                raise
            yield None
            return
        with connection:
            yield connection if has_catalog(connection) else None


def _bytes(manifest: str | Mapping[str, Any] | Spec) -> bytes:
    match manifest:
        case str():
            # A lone surrogate has no bytes; the reader says where it stands.
            return manifest.encode("utf-8", "surrogatepass")
        case AgentType() | Agent() | Policy():
            return canonical(manifest).encode()
        case _:
            return json.dumps(manifest, ensure_ascii=False).encode("utf-8", "surrogatepass")

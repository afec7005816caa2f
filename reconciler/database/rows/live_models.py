"""Types as they are live, made into tables to write to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

from reconciler.database.connection import Connection
from reconciler.database.records.batches import in_batches
from reconciler.database.records.reading import stored_specs
from reconciler.database.rows.cipher import NO_KEY, Cipher
from reconciler.database.rows.model import LiveModel
from reconciler.database.sql_text import Dialect
from reconciler.errors import NotFound
from reconciler.spec.agent_type import AgentType
from reconciler.spec.codec import parse_canonical
from reconciler.spec.findings import did_you_mean

_KEPT = 512
"""Types that are kept with their models, each in its newest version: what went is not needed again."""
_REHEARSED = 32
"""Models of types that are not live, which are kept only for as long as somebody works with them."""


class _Live:
    """A version of a type, and its models as far as they were asked for."""

    def __init__(self, digest: str, agent_type: AgentType) -> None:
        self.digest, self.agent_type = digest, agent_type
        self._models: dict[tuple[str, Dialect, Cipher], LiveModel] = {}

    def model(self, name: str, dialect: Dialect, cipher: Cipher) -> LiveModel:
        key = (name, dialect, cipher)
        found = self._models.get(key)
        if found is None:
            found = self._models[key] = LiveModel(self.agent_type, name, dialect, cipher)
        return found


_live: dict[str, _Live] = {}


class LiveModels:
    """The models of live types, as one moment sees them: to be made anew for each transaction."""

    def __init__(self, connection: Connection, cipher: Cipher = NO_KEY) -> None:
        self._connection, self._cipher = connection, cipher
        self._live: dict[str, AgentType | None] = {}

    @classmethod
    def of(cls, connection: Connection, types: Iterable[AgentType], cipher: Cipher = NO_KEY) -> LiveModels:
        """Of types that need not be registered, such as those a rehearsal runs."""
        models = cls(connection, cipher)
        models._live = {agent_type.name: agent_type for agent_type in types}
        return models

    def load(self, types: Collection[str]) -> None:
        """Look up many at once; others are looked up when they are asked for."""
        missing = [name for name in types if name not in self._live]
        if missing:
            self._live |= {**dict.fromkeys(missing), **live_types(self._connection, missing)}

    def type(self, name: str) -> AgentType | None:
        self.load([name])
        return self._live[name]

    def find(self, type_name: str, model: str) -> LiveModel | None:
        """None where there is no such type or model now."""
        agent_type = self.type(type_name)
        if agent_type is None or model not in agent_type.spec.models:
            return None
        kept = _live.get(type_name)
        if kept is not None and kept.agent_type is agent_type:
            return kept.model(model, self._connection.dialect, self._cipher)
        return _model(_Same(agent_type), model, self._connection.dialect, self._cipher)

    def get(self, type_name: str, model: str) -> LiveModel:
        """Raises NotFound."""
        found = self.find(type_name, model)
        if found is not None:
            return found
        agent_type = self.type(type_name)
        if agent_type is None:
            raise NotFound(f"there is no agent type {type_name}")
        hint = did_you_mean(model, agent_type.spec.models)
        raise NotFound(f"agent type {type_name} has no model {model}", hint=hint)


def live_types(connection: Connection, names: Collection[str]) -> Mapping[str, AgentType]:
    """By name; those that are not live are left out."""
    digests: dict[str, str] = {}
    for places, batch in in_batches(names):
        sql = f"SELECT name, digest FROM agent_types WHERE current AND name IN {places}"
        digests |= dict(connection.execute(sql, batch))
    # A copy: another thread may empty what is kept while this one reads.
    known = {
        name: kept
        for name in digests
        if (kept := _live.get(name)) is not None and kept.digest == digests[name]
    }
    missing = {name: digest for name, digest in digests.items() if name not in known}
    if missing:
        stored = stored_specs(connection, set(missing.values()))
        read = {name: _Live(digest, _parsed(stored[digest].spec)) for name, digest in missing.items()}
        if len(_live) + len(read) > _KEPT:
            _live.clear()
        _live.update(read)
        known |= read
    return {name: known[name].agent_type for name in digests}


def _parsed(text: str) -> AgentType:
    spec = parse_canonical("type", text)
    assert isinstance(spec, AgentType), "what is registered as a type is one"
    return spec


class _Same:
    """A type as the key of a cache: two are the same where they are one object. What hashes all of it would cost more
    than it saves."""

    __slots__ = ("agent_type",)

    def __init__(self, agent_type: AgentType) -> None:
        self.agent_type = agent_type

    def __hash__(self) -> int:
        return id(self.agent_type)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.agent_type is self.agent_type


@lru_cache(_REHEARSED)
def _model(same: _Same, model: str, dialect: Dialect, cipher: Cipher) -> LiveModel:
    return LiveModel(same.agent_type, model, dialect, cipher)

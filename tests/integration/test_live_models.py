"""What processes that stay keep of types: the newest version of each, however many there have been."""

from __future__ import annotations

import gc
import weakref

from reconciler.database.connection import Connection, connect
from reconciler.database.rows.live_models import LiveModels
from reconciler.spec.agent_type import AgentType
from tests.integration.deployed import deploy, type_of


def test_a_version_that_went_is_not_kept_and_the_new_one_is_seen_at_once(sqlite_url: str) -> None:
    with connect(sqlite_url) as connection:
        deploy(connection, [_notes("1.0.0")])
        first = weakref.ref(_used(connection))
        deploy(connection, [_notes("1.0.1")], revision=2, build=False)
        assert _used(connection).spec.version == "1.0.1"
        gc.collect()
        assert first() is None


def test_a_model_is_made_once_for_as_long_as_its_type_stays(sqlite_url: str) -> None:
    with connect(sqlite_url) as connection:
        deploy(connection, [_notes("1.0.0")])
        assert LiveModels(connection).get("notes", "note") is LiveModels(connection).get("notes", "note")


def _notes(version: str) -> AgentType:
    return type_of("notes", {"note": {"text": "string"}}, version=version)


def _used(connection: Connection) -> AgentType:
    models = LiveModels(connection)
    assert models.get("notes", "note").validator.validate({"text": "a"}) == {"text": "a"}
    found = models.type("notes")
    assert found is not None
    return found

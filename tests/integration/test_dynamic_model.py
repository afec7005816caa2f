"""Mapped classes: their tables are those that our own statements build, and rows know whom they refer to."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DataError, IntegrityError

from reconciler.database import inspection
from reconciler.database.connection import connect
from reconciler.database.dynamic_model import Models, values_of
from reconciler.database.live import LiveTable
from reconciler.database.model_tables import metadata_of
from reconciler.database.operations import create_all_sql

from .mapped import agent_type, engine_of, session_on, tables
from .test_stored_values import DEFAULTS, FIELDS

# --- structure ------------------------------------------------------------------------------------

ATTRIBUTES: dict[str, dict[str, Any]] = {
    "bounded_string": {"type": "string", "max_length": 20, "min_length": 2},
    "bounded_text": {"type": "text", "max_length": 20, "min_length": 2},
    "bounded_binary": {"type": "binary", "max_length": 20, "min_length": 2},
    "bounded_integer": {"type": "integer", "min": -5, "max": 7, "default": 1},
    "bounded_number": {"type": "number", "min": -0.5, "max": 1e20},
    "bounded_decimal": {"type": "decimal", "precision": 9, "scale": 3, "min": 0, "max": 99.5},
    "required": {"type": "string", "required": True},
    "required_with_default": {"type": "boolean", "required": True, "default": True},
    "unique_one": {"type": "string", "unique": True},
    "indexed": {"type": "date", "index": True},
    "secret": {"type": "text", "encrypted": True, "default": "x", "max_length": 9},
    "sensitive": {"type": "string", "sensitive": True},
    "restricting": {"type": "reference", "model": "thing", "on_delete": "restrict"},
    "cascading": {"type": "reference", "model": "thing", "on_delete": "cascade", "required": True},
    "emptied": {"type": "reference", "model": "elsewhere.place", "on_delete": "set_null", "unique": True},
    "order": {"type": "string", "index": True},
}
MODELS: dict[str, dict[str, Any]] = {
    "thing": FIELDS,
    "sealed": {"body": {"type": "json", "encrypted": True, "required": True}},
    "defaults": {name: {**FIELDS[name], "default": default} for name, default in DEFAULTS.items()},
    "attributes": {
        "fields": ATTRIBUTES,
        "unique": [["indexed", "order"], "bounded_string"],
        "indexes": [{"fields": ["order", "sensitive"]}],
        "checks": [{"name": "order", "expression": "bounded_decimal < 4.5 or indexed >= '2024-01-01'"}],
    },
}
# The two types refer to each other.
PLACES = {"place": {"thing": {"type": "reference", "model": "demo.thing"}, "name": "string"}}
EVERYTHING = tables(agent_type("demo", **MODELS), agent_type("elsewhere", **PLACES))


def test_create_all_builds_what_our_own_statements_build(new_database: Callable[[], str]) -> None:
    ours, theirs = new_database(), new_database()
    with connect(ours) as connection:
        connection.script(create_all_sql(EVERYTHING, connection.dialect))
    with engine_of(theirs) as engine:
        metadata_of(EVERYTHING).create_all(engine)
    built, made = _inspected(ours), _inspected(theirs)
    assert built.keys() == made.keys() == {table.name for table in EVERYTHING}
    for name in built:
        assert built[name] == made[name], name


def _inspected(url: str) -> dict[str, LiveTable]:
    with connect(url) as connection:
        live = inspection.inspect(connection)
    return {name: _normalised(table) for name, table in live.items()} if url.startswith("sqlite") else live


def _normalised(table: LiveTable) -> LiveTable:
    """SQLite keeps the words of the statement, and SQLAlchemy chooses other words that mean the same: it says
    NOT NULL of the INTEGER PRIMARY KEY, which is never NULL, puts numbers with a sign or point into
    parentheses and constraints behind the columns instead of beside them, and quotes only where it must."""
    columns = {
        name: re.sub(r" default \(([-+.e\d]+)\)$", r" default \1", c) for name, c in table.columns.items()
    }
    columns["id"] = columns["id"].removesuffix(" not null")
    constraints = {}
    for name, text in table.constraints.items():
        column, _, beside = text.partition(": ")
        clause = beside if column in columns else text
        key = re.match(r"FOREIGN KEY\(.*?\) ", clause)
        constraints[name] = clause[key.end() if key else 0 :].replace('"', "")
    indexes = {name: text.replace('"', "") for name, text in table.indexes.items()}
    return LiveTable(columns, indexes, constraints)


GOOD = {"required": "", "cascading": 1, "bounded_decimal": 50, "indexed": date(2024, 1, 1)}
BAD: list[dict[str, Any]] = [
    {"required": None},
    {"bounded_string": "x"},
    {"bounded_string": "x" * 21},
    {"bounded_text": "x" * 21},
    {"bounded_binary": b"x"},
    {"bounded_integer": 8},
    {"bounded_number": -0.75},
    {"bounded_decimal": 99.501},
    {"indexed": date(2023, 12, 31)},  # of the declared check `order`
    {"cascading": 2},
]


def test_what_breaks_a_rule_is_refused_by_the_database(database_url: str) -> None:
    with session_on(database_url, EVERYTHING) as session:
        models = Models(EVERYTHING)
        session.add_all([models["demo__thing"](), models["demo__attributes"](**GOOD)])
        session.commit()
        for bad in BAD:
            session.add(models["demo__attributes"](**GOOD | bad))
            with pytest.raises((IntegrityError, DataError)):
                session.flush()
            session.rollback()
        assert session.scalar(sa.select(sa.func.count(models["demo__attributes"].id))) == 1


# --- classes --------------------------------------------------------------------------------------

WORDS = [
    *("as_dict", "c", "class", "columns", "data", "definition", "from", "get", "import", "items", "key"),
    *("keys", "mapper", "metadata", "model", "name", "none", "order", "query", "registry", "row", "self"),
    *("select", "table", "type", "validate", "values"),
]


def test_a_field_may_have_any_name_that_a_manifest_may_give_it(database_url: str) -> None:
    fields = dict.fromkeys(WORDS, "string")
    definitions = tables(agent_type("words", word=fields))
    with session_on(database_url, definitions) as session:
        word = Models(definitions)["words__word"]
        session.add(word(**{name: f"the {name}" for name in fields}))
        session.commit()
        kept = session.scalars(sa.select(word).where(word.values == "the values")).one()
        assert {name: values_of(kept)[name] for name in fields} == {name: f"the {name}" for name in fields}


def test_a_row_tells_all_its_columns_and_what_it_is(database_url: str) -> None:
    definitions = tables(agent_type("support-mail", note={"text": "string"}))
    with session_on(database_url, definitions) as session:
        note = Models(definitions)["support_mail__note"](text="hello", agent="inbox")
        session.add(note)
        session.flush()
        told = values_of(note)
    assert [*told] == ["id", "task_id", "agent", "type_version", "created_at", "deleted_at", "text"]
    assert (told["id"], told["agent"], told["text"], told["deleted_at"]) == (1, "inbox", "hello", None)
    assert told["created_at"].tzinfo is UTC
    assert repr(note) == "<support-mail.note id=1>"


def test_a_value_for_a_field_that_is_not_there_is_refused() -> None:
    definitions = tables(agent_type("demo", note={"text": "string"}))
    with pytest.raises(TypeError, match="has no field 'txet'"):
        Models(definitions)["demo__note"](txet="hello")


# --- references -----------------------------------------------------------------------------------

REFERRING = {
    "thread": {
        "title": "string",
        "parent": {"type": "reference", "model": "thread", "on_delete": "set_null"},
    },
    "note": {
        "text": "string",
        "thread": {"type": "reference", "model": "thread", "on_delete": "cascade", "required": True},
        "source": {"type": "reference", "model": "thread", "on_delete": "set_null"},
        "person": {"type": "reference", "model": "people.person", "on_delete": "restrict"},
    },
}
PEOPLE = {"person": {"name": "string"}, "note": {"person": {"type": "reference", "model": "person"}}}
REFERENCES = tables(agent_type("demo", **REFERRING), agent_type("people", **PEOPLE))


def test_references_are_walked_both_ways(database_url: str) -> None:
    """Two references to one target, one to the own table, and two of the same name from two types."""
    with session_on(database_url, REFERENCES) as session:
        models = Models(REFERENCES)
        root, child = (models["demo__thread"](title=title) for title in ("root", "child"))
        child.parent__row = root
        person = models["people__person"](name="Ada")
        note = models["demo__note"](text="hello", thread__row=child, source__row=root, person__row=person)
        other = models["people__note"](person__row=person)
        session.add_all([note, other])
        session.commit()
        session.expunge_all()

        root, child = session.scalars(sa.select(models["demo__thread"]).order_by(models["demo__thread"].id))
        if root.title == "child":
            root, child = child, root
        note = session.scalars(sa.select(models["demo__note"])).one()
        assert (note.thread, note.source) == (child.id, root.id)
        assert note.thread__row is child
        assert note.source__row is root
        assert root.thread__parent__rows == [child]
        assert (root.note__thread__rows, root.note__source__rows) == ([], [note])
        assert child.note__thread__rows == [note]
        person = note.person__row
        assert person.demo__note__person__rows == [note]
        assert [row.id for row in person.note__person__rows] == [1]


def test_on_delete_is_what_the_field_says(database_url: str) -> None:
    with session_on(database_url, REFERENCES) as session:
        models = Models(REFERENCES)
        root, child = models["demo__thread"](title="root"), models["demo__thread"](title="child")
        child.parent__row = root
        person = models["people__person"](name="Ada")
        note = models["demo__note"](thread__row=child, source__row=root, person__row=person)
        session.add(note)
        session.commit()
        # Loaded collections tempt the session to empty the references by itself.
        assert len(root.note__source__rows) == len(person.demo__note__person__rows) == 1

        session.delete(person)
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()
        session.delete(root)
        session.commit()
        session.expire_all()
        assert (note.source, child.parent, note.thread) == (None, None, child.id)
        session.delete(child)
        session.commit()
        assert session.scalars(sa.select(models["demo__note"])).all() == []
        session.delete(session.scalars(sa.select(models["people__person"])).one())
        session.commit()


def test_a_reference_to_a_table_that_is_not_known_is_a_column(sqlite_url: str) -> None:
    alone = [table for table in REFERENCES if table.owner == "demo"]
    note = Models(alone)["demo__note"]
    assert not hasattr(note, "person__row")
    with session_on(sqlite_url, REFERENCES) as session:
        thread = Models(alone)["demo__thread"](title="root")
        session.add(thread)
        session.flush()
        session.execute(sa.insert(note.__table__).values(thread=thread.id, person=None))

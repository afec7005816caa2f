"""Building mapped classes: when they are asked for, once, and with little ado."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import registry, relationship

from reconciler.database.dynamic_model import Models
from reconciler.errors import ExpressionError
from reconciler.spec.tables import Check, Table
from tests.integration.mapped import agent_type, tables


def test_a_class_is_built_when_asked_for_and_once() -> None:
    """With what it is connected to: the broken table, which nobody asks for, disturbs nobody."""
    note = {"thread": {"type": "reference", "model": "thread"}}
    connected = tables(agent_type("demo", thread={"title": "string"}, note=note))
    [broken] = tables(agent_type("broken", note={"text": "string"}))
    checks = (Check(name="ck_rule", label="rule", expression="nothing > 1"),)
    models = Models([*connected, broken.evolve(checks=checks)])
    built = models["demo__note"]
    assert models["demo__note"] is built
    assert sa.inspect(built).relationships["thread__row"].mapper.class_ is models["demo__thread"]
    assert len(models) == len(connected) + 1
    for _ in range(2):
        with pytest.raises(ExpressionError):
            models["broken__note"]
    with pytest.raises(KeyError):
        models["demo__nothing"]


def test_threads_that_ask_at_once_get_the_same_class() -> None:
    models = Models(_many(20))
    with ThreadPoolExecutor(8) as pool:
        names = [name for name in models for _ in range(8)]
        built = [*zip(names, pool.map(models.__getitem__, names), strict=True)]
    assert len(set(built)) == len(models)


def test_building_classes_calls_little_more_than_sqlalchemy_itself() -> None:
    """By hand no statement of a type, a default or a check is made: ours may take half as many calls again."""
    definitions = _many(20)

    def ours() -> None:
        models = Models(definitions)
        for name in models:
            models[name]

    assert _calls(ours) < 1.5 * _calls(lambda: _by_hand(definitions))


def _calls(work: Callable[[], None]) -> int:
    """How many calls of functions there are in it, however fast they are. Once before, for what is made only once."""
    work()
    count = 0

    def called(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def _many(types: int) -> list[Table]:
    """Two tables for each type, one of which refers to the other."""
    analysis = {
        "message_id": {"type": "string", "max_length": 255, "required": True, "unique": True},
        "sender": {"type": "string", "max_length": 320, "index": True},
        "category": {"type": "enum", "values": ["billing", "bug"], "default": "bug"},
        "urgency": {"type": "integer", "min": 1, "max": 5},
        "body": "text",
    }
    item = {"analysis": {"type": "reference", "model": "analysis", "on_delete": "cascade"}, "due": "date"}
    return tables(*(agent_type(f"mail-{n}", analysis=analysis, item=item) for n in range(types)))


def _by_hand(definitions: Sequence[Table]) -> None:
    """The least that one would write for the same columns, indexes and references."""
    base = registry()
    classes: dict[str, type] = {}
    for definition in definitions:
        columns = [
            sa.Column(c.name, sa.Text, *[sa.ForeignKey(f"{c.references.table}.id")] if c.references else [])
            for c in definition.columns
        ]
        system = [sa.Column(name, sa.Text) for name in ("task_id", "agent", "version", "created", "deleted")]
        identity = sa.Column("id", sa.Integer, primary_key=True)
        indexes = [sa.Index(index.name, *index.columns) for index in definition.indexes]
        table = sa.Table(definition.name, base.metadata, identity, *system, *columns, *indexes)
        classes[definition.name] = made = type(definition.name, (), {})
        base.map_imperatively(made, table)
        for column in definition.columns:
            if column.references:
                parent = classes[column.references.table]
                sa.inspect(made).add_property("row", relationship(parent, back_populates="rows"))
                sa.inspect(parent).add_property("rows", relationship(made, back_populates="row"))
    base.configure()

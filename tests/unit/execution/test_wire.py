"""What crosses from a child to its worker arrives as it was meant, or is refused."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.execution import wire
from reconciler.execution.wire import Bounds, Frames, Garbage, frame
from reconciler.spec.task import Blueprint, Failure, StepTrace, Task, TaskResult, Write
from reconciler.tools.host import Query

WHOLE = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SECONDS = st.floats(0, 1e9)
JSON = st.recursive(
    st.none() | st.booleans() | WHOLE | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
VALUES = st.dictionaries(TEXT, JSON, max_size=4)

TASKS = st.builds(Task, TEXT, TEXT, VALUES, TEXT, VALUES, WHOLE)
BLUEPRINTS = st.builds(Blueprint, TEXT, TEXT, st.sampled_from(["dynamic", "static"]), TEXT, TEXT)
WRITES = st.builds(
    Write,
    *(TEXT, TEXT, TEXT, TEXT),
    st.sampled_from(["insert", "upsert", "update"]),
    VALUES,
    WHOLE,
    st.lists(TEXT, max_size=3).map(tuple),
    st.booleans(),
)
STATUSES = st.sampled_from(["succeeded", "failed", "skipped", "fallback", "continued", "cancelled"])
TRACES = st.builds(
    StepTrace, TEXT, TEXT, WHOLE, STATUSES, SECONDS, SECONDS, TEXT, TEXT, WHOLE, WHOLE, WHOLE, TEXT
)
FAILURES = st.builds(Failure, TEXT, TEXT, TEXT, TEXT)
QUERIES = st.builds(
    Query, TEXT, TEXT, VALUES, *(st.lists(TEXT, max_size=3).map(tuple) for _ in range(2)), WHOLE
)
BOUNDS = st.builds(Bounds, SECONDS, SECONDS, WHOLE, WHOLE)


@st.composite
def results(draw: st.DrawFn) -> TaskResult:
    writes = tuple(draw(st.lists(WRITES, max_size=3)))
    traces = tuple(draw(st.lists(TRACES, max_size=3)))
    if draw(st.booleans()):
        return TaskResult(failure=draw(FAILURES), trace=traces, tokens=draw(WHOLE))
    row = draw(st.sampled_from(range(len(writes)))) if writes and draw(st.booleans()) else None
    return TaskResult(draw(VALUES), writes, traces, None, row, draw(TEXT), draw(TEXT), draw(WHOLE))


READERS = {
    "task": (TASKS, wire.read_task),
    "blueprint": (BLUEPRINTS, wire.read_blueprint),
    "write": (WRITES, wire.read_write),
    "failure": (FAILURES, wire.read_failure),
    "query": (QUERIES, wire.read_query),
    "bounds": (BOUNDS, wire.read_bounds),
    "result": (results(), wire.read_result),
}


def across(value: Any) -> Any:
    ((_, arrived),) = Frames().feed(frame(["message", value]))
    return arrived


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_sent_arrives_as_it_was(name: str, data: st.DataObject) -> None:
    strategy, read = READERS[name]
    value = data.draw(strategy)
    assert read(across(value)) == value


@given(st.lists(JSON, max_size=5), st.integers(1, 7))
def test_messages_arrive_whole_however_they_are_cut(values: list[Any], size: int) -> None:
    data = b"".join(frame(["message", value]) for value in values)
    frames = Frames()
    arrived = [m for at in range(0, len(data), size) for m in frames.feed(data[at : at + size])]
    assert arrived == [["message", value] for value in values]


@pytest.mark.parametrize("name", READERS)
@given(value=JSON)
@settings(max_examples=60)
def test_anything_else_is_garbage_and_nothing_worse(name: str, value: Any) -> None:
    _, read = READERS[name]
    with pytest.raises(Garbage):
        read(across(value))


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_one_field_spoiled_spoils_the_whole(name: str, data: st.DataObject) -> None:
    strategy, read = READERS[name]
    fields = across(data.draw(strategy))
    field = data.draw(st.sampled_from(sorted(fields)))
    if data.draw(st.booleans()):
        del fields[field]
    else:
        fields[field] = {"str": 1, "int": "1", "float": "1", "bool": 1, "list": "x"}.get(
            type(fields[field]).__name__, [object]
        )
    with pytest.raises(Garbage):
        read(fields)


@given(st.binary(max_size=40))
def test_bytes_without_meaning_are_garbage_or_wait_for_more(data: bytes) -> None:
    with suppress(Garbage):
        for message in Frames(limit=30).feed(data):
            assert isinstance(message[0], str)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(b"\xff\xff\xff\xff", "4,294,967,295 bytes", id="a length that would fill the memory"),
        pytest.param(b"\0\0\0\x03abc", "not JSON", id="no JSON"),
        pytest.param(b"\0\0\0\x02{}", "array", id="no array"),
        pytest.param(b"\0\0\0\x02[]", "array", id="an empty array"),
        pytest.param(b"\0\0\0\x03[1]", "array", id="an array without a name"),
        pytest.param(b"\0\0\x08\0" + b"[" * 2048, "not JSON", id="brackets without end"),
    ],
)
def test_a_liar_is_told_apart_at_once(data: bytes, told: str) -> None:
    with pytest.raises(Garbage, match=told):
        list(Frames().feed(data))


def test_decimals_travel_as_their_digits() -> None:
    assert across({"price": Decimal("12.50")}) == {"price": "12.50"}


@pytest.mark.parametrize("value", [object(), b"bytes", 2**64, {1: 2}, float])
def test_what_has_no_json_is_not_sent(value: Any) -> None:
    with pytest.raises(Garbage):
        frame(["message", value])


def test_a_failed_result_writes_nothing() -> None:
    write = Write("t", "m", "a", "1.0.0", "insert", {}, 1)
    sent = across(TaskResult(writes=(write,), failure=Failure("failed", "no")))
    with pytest.raises(Garbage, match="nothing to write"):
        wire.read_result(sent)


def test_the_output_is_one_of_the_rows_written() -> None:
    with pytest.raises(Garbage, match="names no write"):
        wire.read_result(across(TaskResult(output={}, output_row=0)))

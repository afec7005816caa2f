"""What a worker and its children say to each other: frames of JSON on a stream socket.

A frame is four bytes of length, most significant first, and so many bytes of JSON: an array whose first element names
the message. A child is not trusted: whatever it sends is checked for size, shape and types before anything is made
of it, and `Garbage` says what was wrong. Nothing is ever unpickled.

    worker -> child    ["blueprint", BLUEPRINT]                  before the first task that is run by it
                       ["task", SERIAL, BLUEPRINT_KEY, TASK, BOUNDS]
                       ["dropped", [SERIAL, ...]]  of those that have not begun, the last
                       ["answer", CALL, VALUE] or ["refusal", CALL, FAILURE]
    child -> worker    ["call", CALL, METHOD, [ARGUMENTS]]       of its Host
                       ["result", SERIAL, RESULT, SPOILED]       SPOILED: why it should not run another task, or ""

Short tasks are sent ahead, so that a child need not wait for the next. It takes a *permit* before it begins one: a
count in the kernel that the worker raises for each task it sends, and lowers again to have back what has not begun.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, get_args

import orjson

from reconciler.spec.task import Blueprint, Failure, StepStatus, StepTrace, Task, TaskResult, Write, WriteMode
from reconciler.tools.host import Query

MAX_FRAME = 64 * 2**20
"""Bytes of a frame's JSON. What a type allows its results is far less; this keeps a liar from filling the memory."""

_LENGTH = struct.Struct(">I")

_TEXT, _INT, _FLAG = (str,), (int,), (bool,)
_NUMBER, _VALUES, _LIST = (int, float), (dict,), (list,)
_TEXT_OR_NONE, _INT_OR_NONE, _VALUES_OR_NONE = (str, type(None)), (int, type(None)), (dict, type(None))

Shape = Mapping[str, tuple[type, ...]]
"""Name of a field -> the exact types it may have; `bool` is no `int` here."""

_TASK: Shape = {
    "id": _TEXT,
    "agent": _TEXT,
    "input": _VALUES,
    "created_at": _TEXT,
    "settings": _VALUES,
    "attempt": _INT,
}
_BLUEPRINT: Shape = {
    "agent": _TEXT,
    "digest": _TEXT,
    "kind": _TEXT,
    "type_text": _TEXT,
    "agent_text": _TEXT,
}
_BOUNDS: Shape = {"timeout": _NUMBER, "cpu": _NUMBER, "memory": _INT, "output": _INT}
_WRITE: Shape = {
    "type": _TEXT,
    "model": _TEXT,
    "agent": _TEXT,
    "type_version": _TEXT,
    "mode": _TEXT,
    "values": _VALUES,
    "row_id": _INT,
    "key": _LIST,
    "found": _FLAG,
}
_TRACE: Shape = {
    "step": _TEXT,
    "call": _TEXT,
    "attempt": _INT,
    "status": _TEXT,
    "started": _NUMBER,
    "duration": _NUMBER,
    "error_code": _TEXT,
    "error": _TEXT,
    "input_bytes": _INT,
    "output_bytes": _INT,
    "tokens": _INT,
    "model": _TEXT,
}
_FAILURE: Shape = {"code": _TEXT, "message": _TEXT, "where": _TEXT, "hint": _TEXT}
_RESULT: Shape = {
    "output": _VALUES_OR_NONE,
    "writes": _LIST,
    "trace": _LIST,
    "failure": _VALUES_OR_NONE,
    "output_row": _INT_OR_NONE,
    "model": _TEXT,
    "prompt_digest": _TEXT,
    "tokens": _INT,
}
_QUERY: Shape = {
    "type": _TEXT,
    "model": _TEXT,
    "where": _VALUES,
    "fields": _LIST,
    "order_by": _LIST,
    "limit": _INT,
    "task_id": _TEXT,
}

_MODES = frozenset(get_args(WriteMode))
_STATUSES = frozenset(get_args(StepStatus))
_KINDS = frozenset({"dynamic", "static"})


class Garbage(Exception):
    """What came is no message. The text says why, without quoting what came."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one task may use: `timeout` and `cpu` in seconds, `memory` and `output` in bytes.

    `memory` counts what the task takes beyond an idle child; `output` is the size of its result as JSON.
    """

    timeout: float = 300.0
    cpu: float = 300.0
    memory: int = 512 * 2**20
    output: int = 4 * 2**20


def frame(message: list[Any]) -> bytes:
    """A message as it goes over the socket. Raises Garbage for what has no JSON or is too large."""
    try:
        body = orjson.dumps(message, default=_plain)
    except (TypeError, RecursionError) as error:  # orjson's own error is a TypeError
        raise Garbage(f"not to be said in JSON: {error}") from None
    if len(body) > MAX_FRAME:
        raise Garbage(f"{len(body):,} bytes are more than a message may have")
    return _LENGTH.pack(len(body)) + body


class Frames:
    """The bytes that came so far, cut into messages."""

    def __init__(self, *, limit: int = MAX_FRAME) -> None:
        self._bytes = bytearray()
        self._limit = limit

    def feed(self, data: bytes) -> Iterator[list[Any]]:
        """The messages that are complete now. Raises Garbage, after which nothing that follows means anything."""
        self._bytes += data
        at = 0
        try:
            while len(self._bytes) - at >= _LENGTH.size:
                (size,) = _LENGTH.unpack_from(self._bytes, at)
                if size > self._limit:
                    raise Garbage(f"a message of {size:,} bytes")
                end = at + _LENGTH.size + size
                if len(self._bytes) < end:
                    break
                body = bytes(self._bytes[at + _LENGTH.size : end])
                at = end
                yield _message(body)
        finally:
            del self._bytes[:at]


def blueprint_key(blueprint: Blueprint) -> str:
    """By which both sides know a blueprint. A static agent's has no digest: it is whatever is installed."""
    return blueprint.digest or f"static {blueprint.agent}"


def read_task(value: Any) -> Task:
    return Task(**_checked(value, _TASK, "task"))


def read_blueprint(value: Any) -> Blueprint:
    fields = _checked(value, _BLUEPRINT, "blueprint")
    _one_of(fields["kind"], _KINDS, "kind")
    return Blueprint(**fields)


def read_bounds(value: Any) -> Bounds:
    return Bounds(**_checked(value, _BOUNDS, "bounds"))


def read_write(value: Any) -> Write:
    fields = _checked(value, _WRITE, "write")
    _one_of(fields["mode"], _MODES, "mode")
    return Write(**{**fields, "key": _texts(fields["key"], "key")})


def read_failure(value: Any) -> Failure:
    return Failure(**_checked(value, _FAILURE, "failure"))


def read_query(value: Any) -> Query:
    fields = _checked(value, _QUERY, "query")
    lists = {name: _texts(fields[name], name) for name in ("fields", "order_by")}
    return Query(**{**fields, **lists})


def read_result(value: Any) -> TaskResult:
    fields = _checked(value, _RESULT, "result")
    failure = fields["failure"]
    writes = tuple(map(read_write, fields["writes"]))
    row = fields["output_row"]
    if row is not None and not 0 <= row < len(writes):
        raise Garbage("output_row names no write")
    if failure is not None and writes:
        raise Garbage("a failed task has nothing to write")
    return TaskResult(
        **{
            **fields,
            "writes": writes,
            "trace": tuple(map(_read_trace, fields["trace"])),
            "failure": None if failure is None else read_failure(failure),
        }
    )


def _read_trace(value: Any) -> StepTrace:
    fields = _checked(value, _TRACE, "trace")
    _one_of(fields["status"], _STATUSES, "status")
    return StepTrace(**fields)


def _message(body: bytes) -> list[Any]:
    try:
        message = orjson.loads(body)
    except ValueError:
        raise Garbage("not JSON") from None
    if type(message) is not list or not message or type(message[0]) is not str:
        raise Garbage("no array that begins with a name")
    return message


def _checked(value: Any, shape: Shape, what: str) -> dict[str, Any]:
    if type(value) is not dict or value.keys() != shape.keys():
        raise Garbage(f"a {what} has other fields")
    for name, types in shape.items():
        if type(value[name]) not in types:
            raise Garbage(f"{name} of a {what} is no {' or '.join(kind.__name__ for kind in types)}")
    return value


def _one_of(value: str, known: frozenset[str], what: str) -> None:
    if value not in known:
        raise Garbage(f"no such {what}")


def _texts(value: list[Any], what: str) -> tuple[str, ...]:
    if any(type(item) is not str for item in value):
        raise Garbage(f"{what} holds something else than texts")
    return tuple(value)


def _plain(value: Any) -> Any:
    """What orjson does not know by itself."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON")

"""TaskRows: the tables of a type as one running task sees them, its own writes included.

Nothing is written here. What the task wants written is described, row by row, and handed over with its result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from threading import RLock
from typing import Any

from reconciler.errors import BadParameter, RowRefused
from reconciler.spec.agent_type import SYSTEM_FIELDS, AgentType, ModelSpec
from reconciler.spec.fields import Fields
from reconciler.spec.findings import did_you_mean, pointer
from reconciler.spec.formats import utc_text
from reconciler.spec.task import Write, WriteMode
from reconciler.spec.validation import ValuesInvalid, validator_of
from reconciler.tools.host import Host, Query

Row = dict[str, Any]


class TaskRows:
    """Of one agent within one task. Steps that run side by side may write at the same time."""

    def __init__(
        self,
        host: Host,
        agent_type: AgentType,
        agent: str,
        task_id: str = "",
        caller: TaskRows | None = None,
    ) -> None:
        """`caller` are those of the agent of which this one is a step: both see what either writes."""
        self._host, self._type, self._agent, self._task_id = host, agent_type, agent, task_id
        self._task: _TaskWrites = _TaskWrites() if caller is None else caller._task

    @property
    def writes(self) -> list[Write]:
        """Of all agents of the task, in the order in which they were described."""
        return self._task.writes

    @property
    def writing(self) -> RLock:
        """Held while a write is described."""
        return self._task.lock

    def write(
        self,
        model: str,
        mode: WriteMode,
        key: Sequence[str],
        values: Mapping[str, Any],
        *,
        where: str = "values",
    ) -> Row:
        """The row as it will be stored, its id included. `where` is the place of the values, for messages.

        `insert` makes a new row, `upsert` a new one unless there is one with this key, `update` changes the one there
        is. Raises BadParameter (values that do not fit their fields), RowRefused (no single row to be updated).
        """
        spec = self._model(model)
        fields = spec.fields
        own = {name: value for name, value in values.items() if name != "id"} if mode == "update" else values
        given = _validated(fields, own, where)
        with self.writing:
            match mode:
                case "insert":
                    found = None
                case "upsert":
                    found = self._with_key(model, _key_values(key, given, where))
                case "update":
                    chosen = {name: values.get(name) if name == "id" else given.get(name) for name in key}
                    found = self._only(model, chosen)
            row = self._new(model, fields, own, where) if found is None else {**found, **given}
            row["deleted_at"] = None
            write = Write(
                self._type.name,
                model,
                self._agent,
                self._type.spec.version,
                mode,
                given,
                row["id"],
                tuple(key),
                found is not None,
            )
            self._task.add(write, row)
        return dict(row)

    def read(
        self,
        model: str,
        *,
        where: Mapping[str, Any] | None = None,
        fields: Sequence[str] = (),
        order_by: Sequence[str] = (),
        limit: int = 100,
    ) -> list[Row]:
        """Rows as they will be with what this task has written so far; arguments are those of a `Query`."""
        self._model(model)
        query = Query(
            self._type.name, model, where or {}, tuple(fields), tuple(order_by), limit, self._task_id
        )
        return self._host.read(query, tuple(self.writes))

    def forget(self, writes: Sequence[Write]) -> None:
        """Take back writes, as if they had never been described: of a step that failed, where the task goes on."""
        with self.writing:
            self._task.forget(writes)

    def _model(self, name: str) -> ModelSpec:
        models = self._type.spec.models
        if name not in models:
            hint = did_you_mean(name, models)
            raise BadParameter(f"type {self._type.name} has no model `{name}`", where="model", hint=hint)
        return models[name]

    def _new(self, model: str, fields: Fields, values: Mapping[str, Any], where: str) -> Row:
        try:
            complete = validator_of(fields).complete(values)
        except ValuesInvalid as error:
            raise misfit(error, fields, where) from error
        system = {
            "id": self._host.reserve_id(self._type.name, model),
            "task_id": self._task_id,
            "agent": self._agent,
            "type_version": self._type.spec.version,
            "created_at": utc_text(datetime.now(UTC)),
            "deleted_at": None,
        }
        return {**system, **complete}

    def _with_key(self, model: str, key: Mapping[str, Any]) -> Row | None:
        written = self._task.rows(self._type.name, model)
        for row in written.values():
            if all(row[name] == value for name, value in key.items()):
                return row
        found = self._host.find(self._type.name, model, key)
        # One whose key this very task has changed is no longer it.
        return None if found is None or found["id"] in written else found

    def _only(self, model: str, key: Mapping[str, Any]) -> Row:
        rows = self.read(model, where=key, limit=2)
        if len(rows) == 1:
            return rows[0]
        names = ", ".join(f"`{name}`" for name in key)
        some = "no row" if not rows else "more than one row"
        raise RowRefused(
            f"{some} of `{model}` has the given {names}",
            where=model,
            hint="update one row by its id, or by a key that is unique",
        )


class _TaskWrites:
    """What a task has described so far, and the rows as they will be."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.writes: list[Write] = []
        self._rows: dict[tuple[str, str], dict[int, Row]] = {}
        self._before: list[tuple[Write, Row | None]] = []

    def rows(self, type_name: str, model: str) -> dict[int, Row]:
        """By id."""
        return self._rows.setdefault((type_name, model), {})

    def add(self, write: Write, row: Row) -> None:
        rows = self.rows(write.type, write.model)
        self._before.append((write, rows.get(write.row_id)))
        rows[write.row_id] = row
        self.writes.append(write)

    def forget(self, writes: Sequence[Write]) -> None:
        gone = {id(write) for write in writes}
        for write, before in reversed(self._before):
            if id(write) in gone and before is None:
                self.rows(write.type, write.model).pop(write.row_id, None)
            elif id(write) in gone and before is not None:
                self.rows(write.type, write.model)[write.row_id] = before
        self._before = [entry for entry in self._before if id(entry[0]) not in gone]
        self.writes[:] = [write for write in self.writes if id(write) not in gone]


def misfit(error: ValuesInvalid, fields: Fields, where: str) -> BadParameter:
    """Values that do not fit. A sensitive one is not quoted, as messages are logged and shown."""
    first = error.findings[0]
    name = first.path[0] if first.path else ""
    field = fields.get(str(name))
    if field is None or not (field.sensitive or field.encrypted):
        return BadParameter(
            f"{pointer(first.path)}: {first.message}" if first.path else first.message,
            where=f"{where}{pointer(first.path)}",
            hint=first.hint,
        )
    return BadParameter(
        f"/{name}: the value does not fit ({first.code})",
        where=f"{where}/{name}",
        hint="the field is sensitive, so that its value is not shown",
    )


def _validated(fields: Fields, values: Mapping[str, Any], where: str) -> Row:
    for name in values:
        if name in SYSTEM_FIELDS:
            raise BadParameter(f"/{name}: `{name}` is set by the system", where=f"{where}/{name}")
    try:
        return validator_of(fields).validate(values, partial=True)
    except ValuesInvalid as error:
        raise misfit(error, fields, where) from error


def _key_values(key: Sequence[str], given: Mapping[str, Any], where: str) -> Row:
    """What of the row is its key. NULLs are never the same, so that a key without a value finds nothing for ever."""
    for name in key:
        if given.get(name) is None:
            raise BadParameter(
                f"/{name}: it is part of the key and needs a value",
                where=f"{where}/{name}",
                hint="insert the row, or give the key a value",
            )
    return {name: given[name] for name in key}

"""What a task returns, made of the results of its steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from reconciler.errors import InvalidOutput, OutputTooLarge, RunError
from reconciler.pipeline.branch import Seen
from reconciler.pipeline.sizes import json_size
from reconciler.spec.agent_type import AgentType
from reconciler.spec.steps import Step, flat
from reconciler.spec.task import Values, Write
from reconciler.spec.validation import ValuesInvalid, validator_of

Made = tuple[Values | None, int | None]
"""The output, and the position among the writes of the row that it is, where it is one."""

Make = Callable[[Seen, Sequence[Write]], Made]
"""Raises InvalidOutput."""


def output_maker(agent_type: AgentType) -> Make:
    output, pipeline = agent_type.spec.output, agent_type.spec.pipeline
    if output is None:
        return _nothing
    if output.model is not None:
        model, source = output.model, output.from_ or _writer_of(output.model, pipeline)
        return lambda seen, writes: _row(seen.get(source), model, agent_type.name, writes)
    validator, step = validator_of(output.fields or {}), output.from_ or ""

    def fields(seen: Seen, writes: Sequence[Write]) -> Made:
        result = seen.get(step)
        try:
            return validator.select({} if result is None else result, noun="output"), None
        except ValuesInvalid as error:
            raise _unfit(error, result, step) from error

    return fields


def check_size(output: Values | None, writes: Sequence[Write], most: int) -> None:
    """Raises OutputTooLarge where output and rows have more bytes of JSON, InvalidOutput where they have no JSON."""
    try:
        size = json_size([output, [write.values for write in writes]])
    except TypeError as error:
        raise InvalidOutput(f"the result cannot be written as JSON: {error}", where="output") from error
    if size > most:
        raise OutputTooLarge(
            f"the result has {size:,} bytes, and {most:,} are allowed",
            where="output",
            hint="raise `limits.output_bytes`, or return less",
        )


def _nothing(seen: Seen, writes: Sequence[Write]) -> Made:
    return None, None


def _writer_of(model: str, pipeline: Sequence[Step]) -> str:
    """The step that writes a model; plan time has seen that there is just one."""
    writers = (s.id for s in flat(pipeline) if s.tool == "database_writer" and s.with_.get("model") == model)
    return next(writers, "")


def _row(result: Any, model: str, type_name: str, writes: Sequence[Write]) -> Made:
    """The row a step wrote; nothing where it was skipped."""
    if not isinstance(result, dict):
        return None, None
    row_id = result.get("id")
    for position in range(len(writes) - 1, -1, -1):
        write = writes[position]
        if write.row_id == row_id and write.model == model and write.type == type_name:
            return result, position
    return result, None


def _unfit(error: ValuesInvalid, result: Any, step: str) -> RunError:
    if result is not None and not isinstance(result, dict):
        return InvalidOutput(f"step `{step}` gives no object, of which fields could be taken", where="output")
    unfit = error.as_run_error(InvalidOutput, "output")
    if result is None:
        unfit.hint = (
            f"step `{step}` has no result in this task: give the field a default, or do not require it"
        )
    return unfit

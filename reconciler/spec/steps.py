"""The steps of a pipeline: what is called, with what, when, how often, and what happens on failure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from reconciler.spec.base import Duration, FieldName, SpecModel, TypeName


class RetryOn(StrEnum):
    """Error codes of a step that may be worth another attempt."""

    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    OVERLOADED = "overloaded"
    INVALID_OUTPUT = "invalid_output"
    TRUNCATED = "truncated"
    RATE_LIMITED = "rate_limited"
    CONFLICT = "conflict"


class OnError(StrEnum):
    FAIL = "fail"
    CONTINUE = "continue"


class Retry(SpecModel):
    attempts: int = Field(3, ge=1, le=20, description="Attempts in all, the first included.")
    backoff: Duration = Field(
        1.0, description="Wait before the second attempt; doubles each time, with jitter."
    )
    max_backoff: Duration = Field(60.0, description="Longest wait between two attempts.")
    on: list[Annotated[RetryOn, Field(strict=False)]] = Field(
        default_factory=lambda: [RetryOn.TIMEOUT, RetryOn.UNAVAILABLE, RetryOn.OVERLOADED],
        description="Errors worth another attempt.",
    )


class Fallback(SpecModel):
    """What is called instead when the step has failed for good."""

    tool: str = Field(max_length=63)
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")


class Step(SpecModel):
    """One stage: exactly one of `tool` (with `with`), `agent` (with `input`) or `parallel`."""

    id: FieldName
    tool: str | None = Field(None, max_length=63, description="Name of the tool to call.")
    with_: dict[str, Any] = Field(
        default_factory=dict, alias="with", description="The tool's parameters; texts may hold expressions."
    )
    agent: TypeName | None = Field(None, description="Name of another agent to run as a step.")
    input: dict[str, Any] = Field(default_factory=dict, description="What the other agent is given.")
    parallel: list[Step] | None = Field(None, min_length=1, description="Steps that run side by side.")
    when: str | bool | None = Field(None, description="Expression; the step is skipped where it is false.")
    for_each: str | list[Any] | None = Field(
        None, description="Expression of a list; the step runs once per item."
    )
    as_: FieldName | None = Field(
        None, alias="as", description="Name of the item in expressions; default `item`."
    )
    concurrency: int | None = Field(
        None, ge=1, le=64, description="How many items run side by side; default 1."
    )
    timeout: Duration | None = Field(None, description="Longest time of one attempt.")
    retry: Retry | None = None
    fallback: Fallback | None = None
    on_error: OnError = Field(OnError.FAIL, strict=False, description="Whether the task fails with the step.")

    @model_validator(mode="after")
    def _one_kind(self) -> Step:
        kinds = [k for k in ("tool", "agent", "parallel") if getattr(self, k) is not None]
        if len(kinds) != 1:
            raise PydanticCustomError("step_kind", "a step has exactly one of `tool`, `agent` and `parallel`")
        for key, owner in (("with_", "tool"), ("input", "agent")):
            if key in self.model_fields_set and kinds[0] != owner:
                name = key.rstrip("_")
                raise PydanticCustomError(
                    "step_kind",
                    "`{key}` goes with `{owner}`, not with `{kind}`",
                    {"key": name, "owner": owner, "kind": kinds[0]},
                )
        if (self.as_ or self.concurrency) and self.for_each is None:
            raise PydanticCustomError("step_loop", "`as` and `concurrency` go with `for_each`")
        return self


def flat(steps: Iterable[Step]) -> Iterator[Step]:
    """All steps in the order of the pipeline, those inside a `parallel` after it."""
    for step in steps:
        yield step
        yield from flat(step.parallel or ())


def called_agents(steps: Iterable[Step]) -> list[str]:
    """Names of the agents that run as steps, each once."""
    return [*dict.fromkeys(step.agent for step in flat(steps) if step.agent is not None)]

"""Resource limits: of a type, tightened by an agent, bounded by a policy."""

from __future__ import annotations

from pydantic import Field

from reconciler.spec.base import Duration, Rate, Size, SpecModel


class Limits(SpecModel):
    """What one task may use at most, and how many tasks may run."""

    timeout: Duration | None = Field(None, description="Wall-clock time of one task.")
    memory: Size | None = Field(None, description="Address space of the task's process.")
    cpu: Duration | None = Field(None, description="CPU time of one task.")
    tasks_per_minute: int | None = Field(None, ge=1, le=1_000_000)
    concurrency: int | None = Field(None, ge=1, le=10_000, description="Tasks of one agent at a time.")
    output_bytes: Size | None = Field(None, description="Size of the result as JSON.")


def tightened(limits: Limits, by: Limits) -> Limits:
    """The smaller of each two; a bound that only one of them has."""
    pairs = {name: (getattr(limits, name), getattr(by, name)) for name in Limits.model_fields}
    known = {name: [value for value in pair if value is not None] for name, pair in pairs.items()}
    return limits.model_copy(update={name: min(values) for name, values in known.items() if values})


class GrantLimits(SpecModel):
    """Budget of one tool within one task (`calls`, `tokens`) and over time (`rate`)."""

    calls: int | None = Field(None, ge=1, le=100_000)
    tokens: int | None = Field(None, ge=1, le=100_000_000)
    rate: Rate | None = None
    bytes: Size | None = None


class PolicyLimits(Limits):
    """Upper bounds on limits, and on how complex a type may be."""

    fields: int | None = Field(None, ge=1, description="Fields of one model.")
    models: int | None = Field(None, ge=1, description="Models of one type.")
    steps: int | None = Field(None, ge=1, description="Steps of one pipeline, nested ones included.")
    nesting: int | None = Field(None, ge=1, description="Depth of parallel steps and of parameter values.")
    enum_values: int | None = Field(None, ge=1, description="Values of one enum.")
    text_bytes: Size | None = Field(None, description="Length of one text of a manifest.")
    indexes: int | None = Field(None, ge=1, description="Indexes of one model.")

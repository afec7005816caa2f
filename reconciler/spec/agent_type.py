"""AgentType: the contract of a kind of agent, its tables, tools and pipeline."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from reconciler.spec.base import FieldName, LabelValue, SpecModel, TypeName
from reconciler.spec.fields import Fields, FieldSpec
from reconciler.spec.findings import Path
from reconciler.spec.limits import GrantLimits, Limits
from reconciler.spec.steps import Step

API_VERSION = "reconciler/v1"
SEMVER = r"^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$"
SYSTEM_FIELDS = ("id", "task_id", "agent", "type_version", "created_at", "deleted_at")
"""Columns every table has besides the declared ones; no field may take their names."""


class DeletionPolicy(StrEnum):
    RETAIN = "retain"
    ARCHIVE = "archive"
    PURGE = "purge"


class Metadata(SpecModel):
    name: TypeName
    labels: dict[Annotated[str, StringConstraints(max_length=63)], LabelValue] = Field(default_factory=dict)


class IndexSpec(SpecModel):
    fields: list[FieldName] = Field(min_length=1, max_length=8)


class CheckSpec(SpecModel):
    name: FieldName
    expression: str = Field(
        max_length=1000, description="Condition over the model's fields, such as `urgency < 4`."
    )


class ModelSpec(SpecModel):
    """One table."""

    fields: Fields = Field(min_length=1)
    indexes: list[IndexSpec] = Field(default_factory=list)
    unique: list[list[FieldName]] = Field(
        default_factory=list, description="Groups of fields that are unique together."
    )
    checks: list[CheckSpec] = Field(default_factory=list)
    description: str | None = Field(None, max_length=1000)

    @field_validator("unique", mode="before")
    @classmethod
    def _groups(cls, value: Any) -> Any:
        if isinstance(value, list):
            return [[group] if isinstance(group, str) else group for group in value]
        return value

    @model_validator(mode="after")
    def _fields_exist(self) -> ModelSpec:
        for name in self.fields:
            if name in SYSTEM_FIELDS:
                raise PydanticCustomError(
                    "reserved_field",
                    "every table has a column `{name}` of its own; choose another name",
                    {"name": name},
                )
        names = [check.name for check in self.checks]
        if len(names) != len(set(names)):
            raise PydanticCustomError("check_repeats", "two checks share a name")
        return self


class Grant(SpecModel):
    """Permission to use one tool, within bounds. What is not listed is not allowed."""

    name: str = Field(max_length=63)
    models: list[Annotated[str, StringConstraints(max_length=100)]] | None = Field(
        None, description="LLM models, or the type's own tables, that the tool may use."
    )
    hosts: list[Annotated[str, StringConstraints(max_length=253)]] | None = Field(
        None, description="Hosts it may reach."
    )
    recipients: list[Annotated[str, StringConstraints(max_length=320)]] | None = None
    paths: list[Annotated[str, StringConstraints(max_length=500)]] | None = None
    limits: GrantLimits | None = None


class Output(SpecModel):
    """What a task returns: the row that a step wrote (`model`, `from`), or `fields` taken `from` a step."""

    model: FieldName | None = None
    from_: FieldName | None = Field(
        None, alias="from", description="Id of the step the result is taken from."
    )
    fields: Fields | None = None

    @model_validator(mode="after")
    def _either(self) -> Output:
        if (self.model is None) == (self.fields is None):
            raise PydanticCustomError("output_shape", "an output has either `model` or `fields`")
        return self


class Expectation(SpecModel):
    output: dict[str, Any] | None = None
    rows: dict[FieldName, int] | None = None
    called: list[str] | None = None
    error: str | None = None


class ManifestTest(SpecModel):
    """A run of the pipeline with mocked steps: no model, no network, a throw-away database."""

    name: str = Field(min_length=1, max_length=200)
    input: dict[str, Any] = Field(default_factory=dict)
    settings: dict[str, Any] = Field(default_factory=dict)
    mocks: dict[str, Any] = Field(default_factory=dict)
    expect: Expectation = Expectation()


class Deprecation(SpecModel):
    """Why a type should no longer be used and what to use instead. The shorthand is the message alone."""

    message: str = Field(min_length=1, max_length=500)
    sunset: str | None = Field(
        None,
        pattern=r"^\d{4}-\d{2}-\d{2}$",
        description="The day (UTC) from which on its agents take no new tasks.",
    )

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, value: Any) -> Any:
        return {"message": value} if isinstance(value, str) else value

    @field_validator("sunset")
    @classmethod
    def _a_day(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                date.fromisoformat(value)
            except ValueError as error:
                raise PydanticCustomError("date", "there is no such day in the calendar") from error
        return value

    @model_serializer(mode="wrap")
    def _shortest(self, serialize: SerializerFunctionWrapHandler) -> Any:
        return self.message if self.sunset is None else serialize(self)


class AgentTypeSpec(SpecModel):
    version: str = Field(
        pattern=SEMVER, description="Semver of the contract; the plan refuses a bump that is too small."
    )
    title: str | None = Field(None, max_length=200)
    description: str | None = Field(None, max_length=4000)
    owner: str | None = Field(None, max_length=320)
    settings: Fields = Field(default_factory=dict)
    secrets: list[FieldName] = Field(default_factory=list)
    input: Fields = Field(default_factory=dict)
    models: dict[FieldName, ModelSpec] = Field(default_factory=dict)
    output: Output | None = None
    tools: list[Grant] = Field(default_factory=list)
    limits: Limits = Limits()
    pipeline: list[Step] = Field(default_factory=list)
    deletion_policy: DeletionPolicy = Field(DeletionPolicy.ARCHIVE, strict=False)
    tests: list[ManifestTest] = Field(default_factory=list)
    acknowledge: list[Literal["lethal-combination"]] = Field(
        default_factory=list, description="Warnings that somebody has thought about: they are told no more."
    )
    deprecated: Deprecation | None = Field(None, description="Why, what to use instead, and until when.")


class AgentType(SpecModel):
    api_version: Literal["reconciler/v1"] = Field(alias="apiVersion")
    kind: Literal["AgentType"]
    metadata: Metadata
    spec: AgentTypeSpec

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def holds_secrets(self) -> bool:
        """Whether some value of its tasks must not be shown: once it is part of another value nobody knows which."""
        spec = self.spec
        groups = (spec.input, spec.settings, *(model.fields for model in spec.models.values()))
        return any(field.sensitive or field.encrypted for fields in groups for field in fields.values())

    def field_groups(self) -> Iterator[tuple[Path, Fields]]:
        """All field specs of the type, with the place of each group in its document."""
        spec = self.spec
        yield ("spec", "settings"), spec.settings
        yield ("spec", "input"), spec.input
        for name, model in spec.models.items():
            yield ("spec", "models", name, "fields"), model.fields
        if spec.output is not None and spec.output.fields is not None:
            yield ("spec", "output", "fields"), spec.output.fields

    def model_field(self, model: str, field: str) -> FieldSpec | None:
        found = self.spec.models.get(model)
        return found.fields.get(field) if found else None


def semver_key(version: str) -> tuple[int, int, int]:
    major, minor, patch = re.split(r"\.", version)
    return int(major), int(minor), int(patch)

"""Agent: one deployed instance of a type, with its settings, secrets and schedule."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from reconciler.spec.agent_type import Metadata
from reconciler.spec.base import FieldName, SpecModel, TypeName
from reconciler.spec.limits import Limits


class SecretSource(SpecModel):
    """Where a secret comes from: the name of an environment variable or a file's path, never the value."""

    env: str | None = Field(None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)
    file: str | None = Field(None, min_length=1, max_length=500)

    @model_validator(mode="after")
    def _one(self) -> SecretSource:
        if (self.env is None) == (self.file is None):
            raise PydanticCustomError("secret_source", "a secret is bound by exactly one of `env` and `file`")
        return self


class AgentSpec(SpecModel):
    type: TypeName
    version: str | None = Field(
        None,
        pattern=r"^(\^|~|=)?\d{1,6}(\.\d{1,6}){0,2}$",
        description="Versions of the type it accepts; unset: the newest.",
    )
    enabled: bool = True
    settings: dict[FieldName, Any] = Field(default_factory=dict)
    secrets: dict[FieldName, SecretSource] = Field(default_factory=dict)
    schedule: str | None = Field(None, max_length=100, description="Cron expression of five fields.")
    timezone: str | None = Field(None, max_length=64, description="IANA zone of the schedule; default UTC.")
    limits: Limits = Field(Limits(), description="May only tighten the type's.")


class Agent(SpecModel):
    api_version: Literal["reconciler/v1"] = Field(alias="apiVersion")
    kind: Literal["Agent"]
    metadata: Metadata
    spec: AgentSpec

    @property
    def name(self) -> str:
        return self.metadata.name

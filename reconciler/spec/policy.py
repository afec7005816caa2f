"""Policy: what any type of the source may ask for at most."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from reconciler.spec.agent_type import Metadata
from reconciler.spec.base import SpecModel
from reconciler.spec.limits import PolicyLimits


class Destructive(StrEnum):
    ARCHIVE = "archive"
    BLOCK = "block"


class ToolRules(SpecModel):
    allow: list[str] | None = Field(None, description="If given, only these tools may be granted.")
    deny: list[str] = Field(default_factory=list)


HostPattern = Annotated[
    str,
    StringConstraints(
        max_length=253, pattern=r"^(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?$|^\*$"
    ),
]


class PolicySpec(SpecModel):
    tools: ToolRules = ToolRules()
    hosts: list[HostPattern] | None = Field(
        None, description="If given, only these hosts may be granted; `*.` matches subdomains."
    )
    recipients: list[Annotated[str, StringConstraints(max_length=320)]] | None = None
    models: list[Annotated[str, StringConstraints(max_length=100)]] | None = Field(
        None, description="LLM models that may be granted."
    )
    limits: PolicyLimits = PolicyLimits()
    destructive: Destructive = Field(Destructive.ARCHIVE, strict=False)


class Policy(SpecModel):
    api_version: Literal["reconciler/v1"] = Field(alias="apiVersion")
    kind: Literal["Policy"]
    metadata: Metadata
    spec: PolicySpec

    @property
    def name(self) -> str:
        return self.metadata.name

"""Policy: what any type of the source may ask for at most."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from reconciler.spec.agent_type import Metadata
from reconciler.spec.base import Rate, SpecModel
from reconciler.spec.limits import PolicyLimits


class Destructive(StrEnum):
    ARCHIVE = "archive"
    BLOCK = "block"


class Sandbox(StrEnum):
    """How well tasks must be confined where they run: see `execution.sandbox`. Each includes those above it."""

    LIMITS = "limits"
    CALLS = "calls"
    FILES = "files"


class Combination(StrEnum):
    WARN = "warn"
    BLOCK = "block"


class IncidentRules(SpecModel):
    disable_after: Rate | None = Field(
        None, description="So many incidents of one agent within the time put it on hold, and stop its tasks."
    )


class DriftTreatment(StrEnum):
    HEAL = "heal"
    REPORT = "report"


class ToolRules(SpecModel):
    allow: list[str] | None = Field(None, description="If given, only these tools may be granted.")
    deny: list[str] = Field(default_factory=list)


HostPattern = Annotated[
    str,
    StringConstraints(
        max_length=253, pattern=r"^(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?$|^\*$"
    ),
]


TablePattern = Annotated[
    str,
    StringConstraints(
        max_length=82, pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*\.(\*|[a-z][a-z0-9]*(_[a-z0-9]+)*)$|^\*$"
    ),
]


DriftPointer = Annotated[
    str, StringConstraints(max_length=300, pattern=r"^/table/[a-z0-9_*]+(/[A-Za-z0-9_*]+){0,2}$")
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
    tables: list[TablePattern] | None = Field(
        None,
        description="If given, only these tables of other types may be referred to: `type.model`, `type.*` for all of"
        " a type, or `*`.",
    )
    limits: PolicyLimits = PolicyLimits()
    destructive: Destructive = Field(Destructive.ARCHIVE, strict=False)
    drift: DriftTreatment = Field(
        DriftTreatment.HEAL,
        strict=False,
        description="Whether a controller puts back what others changed in the tables, or only tells of it.",
    )
    ignore_drift: list[DriftPointer] = Field(
        default_factory=list,
        description="What others may change, such as /table/notes__note/index/*; each covers all below it.",
    )
    lethal_combination: Combination = Field(
        Combination.WARN,
        strict=False,
        description="A type that sees private data and untrusted content and has a way out: `warn` unless the type"
        " acknowledges it, or `block` whether it does or not.",
    )
    sandbox: Sandbox | None = Field(
        None, strict=False, description="Tasks are refused where the host offers less."
    )
    incidents: IncidentRules = IncidentRules()


class Policy(SpecModel):
    api_version: Literal["reconciler/v1"] = Field(alias="apiVersion")
    kind: Literal["Policy"]
    metadata: Metadata
    spec: PolicySpec

    @property
    def name(self) -> str:
        return self.metadata.name

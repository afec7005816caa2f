"""Names in paths."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

TypeName = Annotated[
    str, Path(alias="type", max_length=63, description="Name of an agent type.", examples=["notes"])
]
AgentName = Annotated[
    str, Path(alias="id", max_length=63, description="Name of an agent.", examples=["my-notes"])
]
TaskId = Annotated[
    str,
    Path(
        alias="id",
        max_length=63,
        examples=["01994b6c-2f60-7cc3-98e5-6a7f5d2f0b61"],
        description="Id of a task.",
    ),
]
OperationId = Annotated[
    str,
    Path(
        alias="id",
        max_length=63,
        examples=["01994b6c-2f60-7cc3-98e5-6a7f5d2f0b61"],
        description="Id of an operation.",
    ),
]

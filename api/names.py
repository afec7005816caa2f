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
SessionId = Annotated[
    str,
    Path(
        alias="session",
        max_length=63,
        examples=["0e2f6f6e-6a0c-4b7c-9a53-5b1c2f0f7f61"],
        description="Id of a session.",
    ),
]

"""The example of the manifest language, and copies of it with edits."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from reconciler.spec.agent_type import AgentType
from reconciler.spec.findings import Finding, pointer

CASES = Path(__file__).parents[2] / "cases"
DELETE = "~delete"


@cache
def _example() -> dict[str, Any]:
    text = (CASES / "check_type" / "email_analysis.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def example(edits: Mapping[str, Any] | None = None) -> AgentType:
    """The example, edited: values by JSON pointer; `-` at its end appends, the value `~delete` removes."""
    document = copy.deepcopy(_example())
    for where, value in (edits or {}).items():
        *parents, last = where.removeprefix("/").split("/")
        holder: Any = document
        for part in parents:
            holder = holder[int(part)] if isinstance(holder, list) else holder[part]
        _edit(holder, last, copy.deepcopy(value))
    return AgentType.model_validate(document)


def _edit(holder: Any, key: str, value: Any) -> None:
    if isinstance(holder, list) and key in ("-", str(len(holder))):
        holder.append(value)
    elif value == DELETE:
        del holder[int(key) if isinstance(holder, list) else key]
    else:
        holder[int(key) if isinstance(holder, list) else key] = value


def told(findings: list[Finding]) -> list[str]:
    """Each finding as `code pointer`, with `(warning)` behind it where it is one."""
    return [f"{f.code} {pointer(f.path)}{' (warning)' if f.severity == 'warning' else ''}" for f in findings]

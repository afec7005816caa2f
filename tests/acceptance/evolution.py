"""The loop every change of a schema must survive, as data: see `tests/cases/evolution/*.yaml`.

    before -> apply, insert rows; after -> plan says what the case says -> apply -> rows are as the case says
    -> the schema equals a fresh build of after -> the next plan is empty -> rollback -> rows and schema are
    as before

A case gives `models` as mapping of model name to model (or several types under `types`), `rows` by
`type.model` or model, and what a right plan says: `plan` (actions and addresses relative to the table),
`hazards` (code -> rows), `refused` (codes that stop it for good), `allow`, and `then` (rows afterwards; only
the columns named are compared). What is written between apply and rollback stands under `since`, what is to be there
after the rollback then under `undone`.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

CASES = Path(__file__).parent.parent / "cases" / "evolution"


@dataclass(frozen=True)
class Case:
    name: str
    before: dict[str, Any]
    after: dict[str, Any]
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    plan: list[str] | None = None
    hazards: dict[str, int | None] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    allow: list[str] = field(default_factory=list)
    then: dict[str, list[dict[str, Any]]] | None = None
    """Rows after the apply; None: those inserted, in the columns that still are."""
    since: list[str] = field(default_factory=list)
    """Statements that are run after the apply."""
    undone: dict[str, list[dict[str, Any]]] | None = None
    """Rows after the rollback; None: as before, in the whole database."""
    reversible: bool = True
    """False where the after-state takes rows away for good (deletion_policy purge)."""
    only: str | None = None
    """The one dialect the case is about."""

    def __str__(self) -> str:
        return self.name


def load_cases() -> list[Case]:
    cases = []
    for file in sorted(CASES.glob("*.yaml")):
        for document in yaml.safe_load(file.read_text()) or []:
            cases.append(Case(**{**document, "name": f"{file.stem}: {document['name']}"}))
    return cases


def manifests(state: dict[str, Any], version: str) -> str:
    """YAML of a state: `{models: {...}}` is one type called `demo`, `{types: {name: {models: ...}}}` several."""
    types = state.get("types", {"demo": {k: v for k, v in state.items() if k != "types"}} if state else {})
    documents = [
        {
            "apiVersion": "reconciler/v1",
            "kind": "AgentType",
            "metadata": {"name": name},
            "spec": {"version": version, **copy.deepcopy(spec)},
        }
        for name, spec in types.items()
    ]
    # Something always stays: an empty source is refused, which is another test's business.
    documents.append(
        {
            "apiVersion": "reconciler/v1",
            "kind": "Policy",
            "metadata": {"name": "default"},
            "spec": state.get("policy", {}),
        }
    )
    return "---\n".join(
        yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False) for document in documents
    )

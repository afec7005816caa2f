"""Small valid manifests, and what loading some gives."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.errors import Problem
from reconciler.manifests.compiled import Loaded
from reconciler.manifests.load import load
from reconciler.manifests.sources import MemorySource

HEAD = "---\napiVersion: reconciler/v1\n"


def agent_type(
    name: str,
    *,
    input: str = "text: string",  # noqa: A002  # the manifest's own word
    version: str = "1.0.0",
    tools: str = "[]",
    asks: str = "",
    deprecated: str = "",
) -> str:
    """A type; `asks` names an agent that its pipeline calls."""
    steps = f"[{{id: ask, agent: {asks}, input: {{}}}}]" if asks else "[]"
    text = f"{HEAD}kind: AgentType\nmetadata: {{name: {name}}}\nspec:\n  version: {version}\n"
    text += f"  input: {{{input}}}\n  tools: {tools}\n  pipeline: {steps}\n"
    return text + (f"  deprecated: {deprecated}\n" if deprecated else "")


def agent(name: str, of: str) -> str:
    return f"{HEAD}kind: Agent\nmetadata: {{name: {name}}}\nspec: {{type: {of}}}\n"


def policy(spec: str, name: str = "default") -> str:
    return f"{HEAD}kind: Policy\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"


def codes(loaded: Loaded) -> list[str]:
    """Codes of the errors."""
    return [problem.code for problem in loaded.problems if problem.severity == "error"]


def problems_of(files: Mapping[str, str]) -> tuple[Problem, ...]:
    return load(MemorySource({path: text.encode() for path, text in files.items()})).problems

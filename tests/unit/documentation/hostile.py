"""A type as somebody would write it who wants its page to do something else; and the shipped types."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from reconciler.manifests.directory import DirectorySource
from reconciler.manifests.load import load
from reconciler.spec.agent_type import AgentType
from reconciler.spec.state import State

SHIPPED = Path(__file__).parents[3] / "agents.d"

ATTACKS = (
    "<script>alert(1)</script>",
    "</pre></code><img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "![x](https://evil.example/p.png)",
    "# not a heading\n\n## nor this\n- item\n1. item",
    "1. one\n2. two",
    "- dash",
    "=== \n---",
    "| a | b |\n|---|---|\n| c | d |",
    "```\nend of block\n```",
    "`code` ``two`` \"quote\" 'single'",
    'x"]; click s0 "javascript:alert(1)"; %%{init: {}}%%',
    "end\nsubgraph evil",
    "*/ alert(1); /* ${alert(1)} `${x}` </script>",
    "\u202eright to left\u2028line\x00nul\x1b[31m",
    "&lt;b&gt; <!-- comment --> <https://evil.example>",
    "{{ api_key }} {% now %}",
    "'; rm -rf /; echo '$(id) `id`",
)


def hostile_type(attack: str) -> AgentType:
    """Every text that a type may choose freely is the attack."""
    field: dict[str, Any] = {"type": "string", "description": attack, "default": attack}
    document = {
        "apiVersion": "reconciler/v1",
        "kind": "AgentType",
        "metadata": {"name": "hostile", "labels": {attack[:60]: attack[:60]}},
        "spec": {
            "version": "1.0.0",
            "title": attack[:200],
            "description": attack,
            "owner": attack,
            "settings": {"free": field, "word": {"type": "string", "default": SECRET, "sensitive": True}},
            "input": {
                "free": field,
                "choice": {"type": "enum", "values": [attack[:63], "b"]},
                "shape": {"type": "text", "pattern": "^[`|<>*/]+$"},
            },
            "models": {"row": {"fields": {"free": field}, "description": attack}},
            "output": {"model": "row", "from": "save"},
            "tools": [{"name": attack[:63], "hosts": [attack], "recipients": [attack]}],
            "pipeline": [
                {"id": "save", "tool": attack[:63], "when": attack, "fallback": {"tool": attack[:63]}}
            ],
            "deprecated": attack[:500],
            "tests": [{"name": "works", "input": {"free": attack}}],
        },
    }
    return AgentType.model_validate(document)


SECRET = "correct-horse-battery"


@cache
def shipped() -> State:
    return load(DirectorySource(str(SHIPPED)), None).state


def shipped_types() -> list[AgentType]:
    names = sorted(address for address in shipped().entries if address.startswith("type/"))
    return [found for name in names if isinstance(found := shipped().spec(name), AgentType)]

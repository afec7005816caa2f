"""Types as many people might write them: every type of field, every bound, references, checks, steps of all shapes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from reconciler.manifests.directory import DirectorySource
from reconciler.manifests.load import load
from reconciler.spec.agent_type import AgentType

WORDS = (
    "alpha",
    "beta",
    "gamma",
    "delta",
    "class",
    "type",
    "default",
    "function",
    "order",
    "group",
    "b_2",
    "x1",
)
PATTERNS = (
    "^[A-Z]{2}-[0-9]{4}$",
    r"^\d{3}(\.\d{2})?$",
    r"^(red|green|blue)+$",
    r"[a-z]+@[a-z]+",
    r"^\w+(-\w+)*$",
    r"^[^<>]{1,8}$",
    r"^a|b$",
    r"^(?:ab){2,3}c?$",
    r"^[\d.]+\s[+-]$",
    r"^\S{3,}$",
    r'^["\\/]+$',
)
FORMATS = ("email", "uri", "hostname", "ipv4", "ipv6", "slug")
DESCRIPTIONS = (
    "What it is.",
    "Ends */ a comment, `code` and | a cell.",
    "Ünïcödé, 日本語 and 🎈.",
    "Two\nlines.",
)
VALUES = ("open", "closed", "it's", 'a "quote"', "back\\slash", "ünï", "</script>", "`tick`", "${x}", "1")


@cache
def random_type(seed: int) -> AgentType:
    """Always the same for a seed."""
    return AgentType.model_validate(document(seed))


def problems_of(seed: int, folder: Path) -> list[str]:
    """What the reader says against the type of a seed."""
    (folder / "type.yaml").write_text(yaml.safe_dump(document(seed), allow_unicode=True), encoding="utf-8")
    found = load(DirectorySource(str(folder)), None).problems
    return [str(problem) for problem in found if problem.severity == "error"]


def document(seed: int) -> dict[str, Any]:
    random = Random(seed)
    names = random.sample(("item", "line_item", "note", "a", "b_c"), random.randint(0, 3))
    models = {name: _model(name, names, random) for name in names}
    spec: dict[str, Any] = {
        "version": f"{random.randint(0, 3)}.{random.randint(0, 9)}.0",
        "title": random.choice(DESCRIPTIONS),
        "description": random.choice(DESCRIPTIONS),
        "settings": _fields(random, 3),
        "input": _fields(random, 6),
        "models": models,
        "limits": {"timeout": "30s", "memory": "128Mi"},
        "tools": [{"name": "template"}, {"name": "keyword_classifier", "limits": {"calls": 3}}],
        "pipeline": _pipeline(random),
        "output": {"fields": {"text": "text"}, "from": "say"},
    }
    name = random.choice(("orders", "a-b", "a-1", "mail-2-go", "x"))
    return {
        "apiVersion": "reconciler/v1",
        "kind": "AgentType",
        "metadata": {"name": f"{name}-{seed}"},
        "spec": spec,
    }


def _pipeline(random: Random) -> list[dict[str, Any]]:
    def say(step: str) -> dict[str, Any]:
        return {"id": step, "tool": "template", "with": {"template": "hello {{ 1 + 1 }}"}}

    steps = [say("say")]
    if random.random() < 0.5:
        steps.append({"id": "both", "parallel": [say("left"), say("right")]})
    if random.random() < 0.5:
        steps.append(say("maybe") | {"when": "{{ steps.say.text | length > 3 }}", "on_error": "continue"})
    if random.random() < 0.5:
        steps.append(say("each") | {"for_each": "{{ [1, 2] }}", "as": "n", "retry": {"attempts": 2}})
    return steps


def _model(name: str, names: list[str], random: Random) -> dict[str, Any]:
    fields = {"count": {"type": "integer", "min": 0, "max": 500, "required": True}} | _fields(random, 5)
    earlier = names[: names.index(name)]
    if earlier and random.random() < 0.7:
        fields["parent"] = {
            "type": "reference",
            "model": random.choice(earlier),
            "on_delete": "cascade",
            "required": True,
        }
    model: dict[str, Any] = {"fields": fields, "description": random.choice(DESCRIPTIONS)}
    if random.random() < 0.4:
        model["checks"] = [{"name": "some", "expression": "count >= 1"}]
    if random.random() < 0.4:
        model["unique"] = [["count"]]
    return model


def _fields(random: Random, most: int) -> dict[str, Any]:
    names = random.sample(WORDS, random.randint(0, most))
    return {name: _field(random) for name in names}


def _field(random: Random) -> dict[str, Any]:
    kind = random.choice(tuple(_KINDS))
    field = {"type": kind} | _KINDS[kind](random)
    if random.random() < 0.4:
        field["required"] = True
    if random.random() < 0.3:
        field["description"] = random.choice(DESCRIPTIONS)
    if random.random() < 0.15:
        field["sensitive"] = True
    return field


def _text(random: Random) -> dict[str, Any]:
    match random.randrange(4):
        case 0:
            return {"pattern": random.choice(PATTERNS)}
        case 1:
            return {"format": random.choice(FORMATS), "max_length": random.choice((60, 255))}
        case 2:
            least = random.choice((0, 1, 20))
            return {"min_length": least, "max_length": least + random.choice((1, 5, 300))}
        case _:
            return random.choice(({}, {"default": "something"}))


def _whole(random: Random) -> dict[str, Any]:
    return {name: int(bound // 1) for name, bound in _range(random).items()}


def _range(random: Random) -> dict[str, Any]:
    low = random.choice((-1000, -1, 0, 0.5, 3))
    high = low + random.choice((1, 10, 1_000_000))
    return random.choice(({}, {"min": low}, {"max": high}, {"min": low, "max": high}))


def _decimal(random: Random) -> dict[str, Any]:
    precision = random.choice((1, 5, 18, 38))
    scale = random.randint(0, min(precision, 6))
    return {"precision": precision, "scale": scale} | random.choice(({}, {"min": 0}, {"max": 0}))


def _list(random: Random) -> dict[str, Any]:
    items = random.choice(
        (
            "string",
            "integer",
            {"type": "enum", "values": list(VALUES[:4])},
            {"type": "string", "max_length": 3},
            "date",
        )
    )
    bounds = random.choice(({}, {"min_length": 1}, {"max_length": 4}, {"min_length": 2, "max_length": 3}))
    return {"items": items} | bounds if random.random() < 0.8 else bounds


_KINDS: dict[str, Any] = {
    "string": _text,
    "text": _text,
    "integer": _whole,
    "number": _range,
    "decimal": _decimal,
    "boolean": lambda random: random.choice(({}, {"default": False})),
    "date": lambda random: {},
    "datetime": lambda random: {},
    "uuid": lambda random: {},
    "enum": lambda random: {"values": random.sample(VALUES, random.randint(1, 5))},
    "json": lambda random: {},
    "list": _list,
    "binary": lambda random: random.choice(({}, {"max_length": 8}, {"min_length": 2})),
}

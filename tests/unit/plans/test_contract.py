"""How far a change moves the contract, and how far the version must move with it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from reconciler.plans.contract import Level, moves, required_version
from reconciler.spec.agent_type import semver_key

from .samples import agent_type

NONE, PATCH, MINOR, MAJOR = Level

REF = {"type": "reference", "model": "thread", "on_delete": "restrict"}
BEFORE: dict[str, Any] = {
    "title": "Mail",
    "settings": {"mailbox": "string"},
    "secrets": ["password"],
    "input": {
        "text": "string",
        "sized": {"type": "string", "min_length": 2, "max_length": 20},
        "count": {"type": "integer", "min": 1, "max": 5},
        "price": {"type": "decimal", "precision": 9, "scale": 3},
        "kind": {"type": "enum", "values": ["a", "b"]},
        "must": {"type": "string", "required": True},
        "shaped": {"type": "string", "pattern": "^x", "format": "slug"},
        "tags": {"type": "list", "items": "string"},
    },
    "output": {"fields": {"label": "string"}, "from": "ask"},
    "models": {
        "thread": {"fields": {"title": "string"}},
        "note": {
            "fields": {
                "text": {"type": "string", "index": True},
                "code": {"type": "string", "unique": True},
                "thread": REF,
                "secret": {"type": "text", "encrypted": True},
            },
            "indexes": [{"fields": ["text", "code"]}],
            "unique": [["text", "thread"]],
            "checks": [{"name": "sane", "expression": "text <> ''"}],
        },
    },
    "tools": [{"name": "template"}],
    "limits": {"timeout": "10s"},
    "pipeline": [{"id": "ask", "tool": "template", "with": {"text": "Hello"}}],
}
INPUT = "input"
NOTE = "models.note"

CASES: list[tuple[str, Any, Level, str]] = [
    # Path, what is to stand there (None: nothing), the level, and part of the reason.
    ("title", "Post", PATCH, "texts"),
    ("description", "Sorts mail", PATCH, "texts"),
    ("limits", {"timeout": "20s"}, PATCH, "limits"),
    ("version", "1.9.0", PATCH, "nothing but the version"),
    ("pipeline.0.with.text", "Good day", PATCH, "texts"),
    ("pipeline.0.timeout", "3s", PATCH, "texts"),
    ("pipeline.0.id", "greet", MINOR, "steps"),
    ("pipeline.0.tool", "text_extract", MINOR, "steps"),
    ("pipeline.1", {"id": "more", "tool": "template"}, MINOR, "steps"),
    ("tools", [], MINOR, "granted tools"),
    ("tools.0.limits", {"calls": 3}, PATCH, "limits"),
    ("deletion_policy", "retain", MINOR, "deletion policy"),
    ("secrets", ["password", "token"], MAJOR, "token is newly required"),
    ("secrets", [], MINOR, "password is no longer asked for"),
    ("output", None, MAJOR, "output is another"),
    ("output", {"model": "note", "from": "ask"}, MAJOR, "output is another"),
    ("output.from", "other", PATCH, "texts"),
    ("output.fields.label", None, MAJOR, "output.label was removed"),
    ("output.fields.more", "string", MINOR, "output.more was added"),
    ("settings.mailbox", None, MAJOR, "settings.mailbox was removed"),
    ("settings.mailbox", {"type": "string", "required": True}, MAJOR, "newly required"),
    ("settings.mailbox", {"type": "string", "required": True, "default": "x"}, MINOR, "`default`"),
    (f"{INPUT}.text", None, MAJOR, "input.text was removed"),
    (f"{INPUT}.more", "string", MINOR, "input.more was added"),
    (f"{INPUT}.more", {"type": "string", "required": True}, MAJOR, "added as required"),
    (f"{INPUT}.more", {"type": "string", "required": True, "default": "x"}, MINOR, "input.more was added"),
    (f"{INPUT}.text", "text", MINOR, "became text"),
    (f"{INPUT}.text", "integer", MAJOR, "became integer"),
    (f"{INPUT}.kind", "string", MINOR, "became string"),
    (f"{INPUT}.must", "string", MINOR, "`required`"),
    (f"{INPUT}.text.description", "What it says", PATCH, "texts"),
    (f"{INPUT}.text.sensitive", True, PATCH, "texts"),
    (f"{INPUT}.sized.min_length", 3, MAJOR, "narrower in `min_length`"),
    (f"{INPUT}.sized.min_length", 1, MINOR, "wider in `min_length`"),
    (f"{INPUT}.sized.min_length", None, MINOR, "wider in `min_length`"),
    (f"{INPUT}.sized.max_length", 19, MAJOR, "narrower in `max_length`"),
    (f"{INPUT}.sized.max_length", 21, MINOR, "wider in `max_length`"),
    (f"{INPUT}.text.max_length", 99, MAJOR, "narrower in `max_length`"),
    (f"{INPUT}.count.min", 2, MAJOR, "narrower in `min`"),
    (f"{INPUT}.count.min", 0, MINOR, "wider in `min`"),
    (f"{INPUT}.count.max", 4, MAJOR, "narrower in `max`"),
    (f"{INPUT}.count.max", None, MINOR, "wider in `max`"),
    (f"{INPUT}.price.precision", 8, MAJOR, "narrower in `precision`"),
    (f"{INPUT}.price.scale", 4, MINOR, "wider in `scale`"),
    (f"{INPUT}.kind.values", ["a"], MAJOR, "lost values: b"),
    (f"{INPUT}.kind.values", ["a", "b", "c"], MINOR, "gained values"),
    (f"{INPUT}.kind.values", ["b", "a"], PATCH, "texts"),
    (f"{INPUT}.kind.values", ["a", "c"], MAJOR, "lost values: b"),
    (f"{INPUT}.shaped.pattern", "^y", MAJOR, "`pattern`"),
    (f"{INPUT}.shaped.pattern", None, MINOR, "`pattern`"),
    (f"{INPUT}.shaped.format", None, MINOR, "`format`"),
    (f"{INPUT}.tags.items", "integer", MAJOR, "`items`"),
    ("models.note", None, MAJOR, "model note was removed"),
    ("models.more", {"fields": {"text": "string"}}, MINOR, "model more was added"),
    (f"{NOTE}.fields.text", None, MAJOR, "note.text was removed"),
    (f"{NOTE}.fields.more", "string", MINOR, "note.more was added"),
    (f"{NOTE}.fields.more", {"type": "string", "renamed_from": "text"}, MINOR, "note.more was added"),
    (f"{NOTE}.fields.text.index", False, MINOR, "stored in another way"),
    (f"{NOTE}.fields.text.unique", True, MAJOR, "newly unique"),
    (f"{NOTE}.fields.code.unique", False, MINOR, "stored in another way"),
    (f"{NOTE}.fields.secret.encrypted", False, MINOR, "stored in another way"),
    (f"{NOTE}.fields.thread.model", "note", MAJOR, "refers in another way"),
    (f"{NOTE}.fields.thread.on_delete", "cascade", MINOR, "refers in another way"),
    (f"{NOTE}.indexes", [], MINOR, "indexes of note"),
    (f"{NOTE}.unique", [], MINOR, "constraints"),
    (f"{NOTE}.unique", [["thread", "text"]], PATCH, "texts"),
    (f"{NOTE}.unique", [["text"]], MAJOR, "new unique group"),
    (f"{NOTE}.checks", [], MINOR, "constraints"),
    (f"{NOTE}.checks.0.expression", "text <> 'x'", MAJOR, "new or changed check"),
]


def edited(path: str, value: Any) -> dict[str, Any]:
    """BEFORE with another value at the path; None takes away what is there. Shorthands are written out."""
    spec = deepcopy(BEFORE)
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
    place: Any = spec
    for key in parents:
        if isinstance(place[key], str):
            place[key] = {"type": place[key]}
        place = place[key]
    if value is None:
        del place[last]
    elif isinstance(place, list) and last == len(place):
        place.append(value)
    else:
        place[last] = value
    return spec


@pytest.mark.parametrize(
    ("path", "value", "level", "reason"), CASES, ids=[f"{path}={value}"[:70] for path, value, _, _ in CASES]
)
def test_a_change_is_of_the_level_that_its_consumers_feel(
    path: str, value: Any, level: Level, reason: str
) -> None:
    before = agent_type(**{"version": "1.2.3", **BEFORE})
    after = agent_type(**{"version": "1.2.3", **edited(path, value)})
    found = moves(before, after)
    assert found[0].level is level
    assert any(reason in move.reason for move in found if move.level is level), found
    assert [move.level for move in found] == sorted((move.level for move in found), reverse=True)


def test_nothing_changed_is_no_move() -> None:
    assert moves(agent_type(**BEFORE), agent_type(**BEFORE)) == []


def test_a_rename_is_one_major_move_and_what_else_became_of_the_field() -> None:
    before = agent_type(models={"note": {"fields": {"priority": {"type": "integer", "max": 5}}}})
    renamed = {"type": "integer", "max": 4, "renamed_from": "priority"}
    found = moves(before, agent_type(models={"note": {"fields": {"urgency": renamed}}}))
    assert [(move.level, move.reason) for move in found] == [
        (MAJOR, "note.priority was renamed to urgency"),
        (MAJOR, "note.urgency is narrower in `max`"),
    ]


def test_a_hint_left_in_after_the_rename_is_no_move_by_itself() -> None:
    plain = agent_type(models={"note": {"fields": {"urgency": "integer"}}})
    hinted = agent_type(
        models={"note": {"fields": {"urgency": {"type": "integer", "renamed_from": "priority"}}}}
    )
    assert [move.level for move in moves(hinted, plain)] == [PATCH]


@pytest.mark.parametrize(
    ("before", "level", "required"),
    [
        ("1.2.3", MAJOR, "2.0.0"),
        ("1.2.3", MINOR, "1.3.0"),
        ("1.2.3", PATCH, "1.2.4"),
        ("1.2.3", NONE, "1.2.3"),
        ("0.2.3", MAJOR, "0.3.0"),
        ("0.2.3", MINOR, "0.2.4"),
        ("0.2.3", PATCH, "0.2.4"),
        ("0.2.3", NONE, "0.2.3"),
        ("0.0.0", MAJOR, "0.1.0"),
        ("9.9.9", MINOR, "9.10.0"),
    ],
)
def test_the_required_version_is_the_nearest_that_says_the_level(
    before: str, level: Level, required: str
) -> None:
    assert required_version(before, level) == required
    assert semver_key(required) >= semver_key(before)

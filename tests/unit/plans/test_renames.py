"""Renames taken back: the way from what is there to a former state, told by the specs between."""

from __future__ import annotations

import pytest

from reconciler.plans.changes import Action
from reconciler.plans.renames import undone_renames
from reconciler.spec.agent_type import AgentType

from .samples import agent_type
from .states import changes, notes


def named(name: str, former: str = "") -> AgentType:
    """A version whose one field has this name, and had the former one."""
    return notes(**{name: {"type": "string", "renamed_from": former} if former else "string"})


PASTS: list[tuple[str, list[AgentType], AgentType, dict[str, str]]] = [
    ("nothing is known", [], named("a"), {}),
    ("one rename", [named("b", "a")], named("a"), {"a": "b"}),
    ("two renames in a row", [named("c", "b"), named("b", "a")], named("a"), {"a": "c"}),
    (
        "a version between that said nothing",
        [named("c", "b"), named("b"), named("b", "a")],
        named("a"),
        {"a": "c"},
    ),
    ("back by one of two", [named("c", "b")], named("b", "a"), {"b": "c"}),
    ("no hint ever", [named("b")], named("a"), {}),
    ("a hint of something else", [named("b", "z")], named("a"), {}),
    ("the field is still there", [named("a")], named("a"), {}),
]


@pytest.mark.parametrize(
    ("past", "after", "undone"), [case[1:] for case in PASTS], ids=[case[0] for case in PASTS]
)
def test_a_name_is_followed_back_through_every_hint(
    past: list[AgentType], after: AgentType, undone: dict[str, str]
) -> None:
    assert undone_renames(past, after) == ({"notes__note": undone} if undone else {})


def test_a_name_that_is_in_use_again_is_nobodys_former_name() -> None:
    present = notes(b={"type": "string", "renamed_from": "a"}, a="string")
    assert undone_renames([present], named("a")) == {}


def test_models_of_the_same_field_names_are_told_apart() -> None:
    def both(name: str, former: str = "") -> AgentType:
        renamed = {"type": "string", "renamed_from": former} if former else "string"
        return agent_type(
            "notes", models={"one": {"fields": {name: renamed}}, "two": {"fields": {"b": "string"}}}
        )

    assert undone_renames([both("b", "a")], both("a")) == {"notes__one": {"a": "b"}}


def test_a_manifest_that_goes_back_behind_a_rename_undoes_it() -> None:
    [_, renamed] = changes([named("b", "a")], [named("a")])
    assert (renamed.action, renamed.address) == (Action.RENAME, "table/notes__note/column/a")

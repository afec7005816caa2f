"""Scripted language models that listen: one that does well, one that hears only half of it, one that needs help, one
that is broken. All of them know what a case shall end in, but speak only of what was said so far."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from reconciler.errors import InvalidOutput, Overloaded, TimedOut, Truncated, Unavailable
from reconciler.llm.memory import Scripted, ScriptedModel
from reconciler.llm.provider import ChatRequest
from tests.builder_cases.conversation import Case

NAME = "llama3.2"
_GIBBERISH = 2
"""Words that tell no model what is wanted."""


def good(case: Case) -> ScriptedModel:
    """Proposes exactly what the case expects."""
    return ScriptedModel(answer=lambda request: _answer(case, request), models=[NAME])


def forgetful(case: Case) -> ScriptedModel:
    """Proposes the first half, rounded up, of every list."""

    def answer(request: ChatRequest) -> Scripted:
        whole = _answer(case, request)
        return {
            name: value[: (len(value) + 1) // 2] if isinstance(value, list) else value
            for name, value in whole.items()
        }

    return ScriptedModel(answer=answer, models=[NAME])


def mediocre(case: Case) -> ScriptedModel:
    """Answers beside the form at first, reaches for what is not its own, and is right when told."""

    def answer(request: ChatRequest) -> Scripted:
        wanted = _answer(case, request)
        if len(request.messages) > 2:
            return wanted
        beside: dict[str, Any] = {
            "hosts": ["*"],
            "alert_to": "thief@evil.example.net",
            "limits": {"timeout": "9d"},
            "tools": [{"name": "http_request", "hosts": ["*"]}],
        }
        if "details" in _asked(request):
            beside["details"] = [{"name": "", "type": "string"}, {"name": "total", "type": "money"}]
        return {**wanted, **beside}

    return ScriptedModel(answer=answer, models=[NAME])


def broken(case: Case) -> ScriptedModel:
    """Everything but an answer."""
    turns = count(len(case.name))
    rubbish: tuple[Callable[[], Scripted], ...] = (
        lambda: "",
        lambda: "I would be delighted to help you with that!",
        lambda: "[1, 2, 3]",
        lambda: '{"reply": "Well',
        lambda: json.dumps({"details": "all of them", "categories": 7, "name": ["x"], "template": {"a": 1}}),
        lambda: json.dumps(
            {"details": [{"name": "x" * 5000, "type": "string"}] * 500, "name": "\u0000" * 50}
        ),
        lambda: InvalidOutput("the answer is no JSON"),
        lambda: Truncated("the answer was cut"),
        lambda: TimedOut("no answer within 60 s"),
        lambda: Overloaded("too many requests"),
        lambda: Unavailable("no Ollama answers"),
        lambda: "[" * 100_000,
    )
    return ScriptedModel(answer=lambda request: rubbish[next(turns) % len(rubbish)](), models=[NAME])


LISTENERS: Mapping[str, Callable[[Case], ScriptedModel]] = {
    "good": good,
    "forgetful": forgetful,
    "mediocre": mediocre,
    "broken": broken,
}


def _asked(request: ChatRequest) -> Mapping[str, Any]:
    asked: Mapping[str, Any] = (request.schema or {}).get("properties", {})
    return asked


def _answer(case: Case, request: ChatRequest) -> dict[str, Any]:
    """The expectations of the case, as far as they were spoken of, in the form that the request asks for."""
    expect, said = case.expect, _said(request)
    name = expect.get("name", "")
    known = {
        "template": expect.get("template") if len(said.split()) > _GIBBERISH else None,
        "name": name if name.replace("-", " ") in said or name in said else None,
        "categories": [{"name": name, "words": []} for name in expect.get("categories", ())],
        "details": _fields(expect),
    }
    return {name: known.get(name) or None for name in _asked(request)} | {"reply": "I have taken that down."}


def _said(request: ChatRequest) -> str:
    """What the person has said, in lower case."""
    parts = request.messages[1].content.lower().split('<message from="user">')[1:]
    return " ".join(part.partition("</message>")[0] for part in parts)


def _fields(expect: Mapping[str, Any]) -> list[dict[str, Any]]:
    types = {**dict.fromkeys(expect.get("fields", ()), "string"), **expect.get("types", {})}
    return [
        {
            "name": name,
            "type": kind,
            "required": False,
            "values": ["open", "closed"] if kind == "enum" else None,
            "description": None,
        }
        for name, kind in types.items()
    ]

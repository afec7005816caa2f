"""The twin that answers from a script."""

from __future__ import annotations

import pytest

from reconciler.errors import ModelMissing, TimedOut, Unavailable
from reconciler.llm.memory import ScriptedModel
from reconciler.llm.provider import ChatReply, ChatRequest, LLMProvider, Message


def asking(content: str) -> ChatRequest:
    return ChatRequest("llama3.2", (Message("user", content),), 5.0)


def test_answers_come_in_the_order_of_the_script() -> None:
    provider: LLMProvider = ScriptedModel(
        "free text", {"a": "ä"}, TimedOut("late"), ChatReply("own", "other", 1, 2)
    )
    assert provider.chat(asking("two words")) == ChatReply("free text", "llama3.2", 2, 2)
    assert provider.chat(asking("?")).text == '{"a": "ä"}'
    with pytest.raises(TimedOut):
        provider.chat(asking("?"))
    assert provider.chat(asking("?")).model == "other"


def test_after_the_script_a_function_answers() -> None:
    provider = ScriptedModel("first", answer=lambda request: request.messages[0].content.upper())
    assert [provider.chat(asking("next")).text for _ in range(2)] == ["first", "NEXT"]
    assert [request.messages[0].content for request in provider.requests] == ["next", "next"]


def test_an_exhausted_script_says_so() -> None:
    with pytest.raises(Unavailable):
        ScriptedModel().chat(asking("?"))


def test_a_model_it_does_not_have_is_missing() -> None:
    provider = ScriptedModel("never", models=["mistral"])
    assert provider.models(timeout=1.0) == ["mistral"]
    for ask in (lambda: provider.chat(asking("?")), lambda: provider.embed("llama3.2", ["a"], timeout=1.0)):
        with pytest.raises(ModelMissing):
            ask()


def test_a_stream_gives_lines_and_then_the_whole() -> None:
    *pieces, reply = ScriptedModel("one\ntwo").stream(asking("?"))
    assert pieces == ["one\n", "two"]
    assert isinstance(reply, ChatReply)
    assert reply.text == "one\ntwo"


def test_equal_texts_have_equal_vectors() -> None:
    first, second, third = ScriptedModel().embed("any", ["a", "b", "a"], timeout=1.0)
    assert first == third != second

"""Ollama over TCP: what is sent, what comes back, and what every fault becomes."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from reconciler.errors import (
    BadParameter,
    InvalidOutput,
    ModelMissing,
    Overloaded,
    RunError,
    TimedOut,
    Truncated,
    Unavailable,
    UsageError,
)
from reconciler.llm.ollama import Ollama
from reconciler.llm.provider import AnswerCut, ChatReply, ChatRequest, LLMProvider, Message
from tests.ollama_server import Answer, Fault, OllamaServer, Request

SCHEMA = {
    "type": "object",
    "properties": {"category": {"type": "string", "enum": ["bug", "sales"]}, "urgency": {"type": "integer"}},
    "required": ["category", "urgency"],
    "additionalProperties": False,
}


def asking(content: str = "Hello?", timeout: float = 5.0, **more: Any) -> ChatRequest:
    return ChatRequest("llama3.2", (Message("user", content),), timeout, **more)


def test_an_answer_comes_whole_with_what_it_cost(ollama: OllamaServer) -> None:
    ollama.answer(Answer("Grüße, in several pieces.", prompt_tokens=7, completion_tokens=5))
    reply = Ollama(ollama.url).chat(asking())
    assert reply == ChatReply("Grüße, in several pieces.", "llama3.2", 7, 5, 0.25)
    assert reply.tokens == 12


def test_messages_schema_and_options_reach_the_server(ollama: OllamaServer) -> None:
    messages = (Message("system", "You sort mail."), Message("user", "Down!"))
    request = ChatRequest("llama3.2", messages, 5.0, SCHEMA, temperature=0.5, max_tokens=99, context=8192)
    reply = Ollama(ollama.url).chat(request)
    assert reply.text == '{"category": "bug", "urgency": 1}'
    assert ollama.requests[-1].path == "/api/chat"
    assert ollama.requests[-1].body == {
        "model": "llama3.2",
        "stream": True,
        "messages": [
            {"role": "system", "content": "You sort mail."},
            {"role": "user", "content": "Down!"},
        ],
        "tools": [],
        "format": SCHEMA,
        "options": {"temperature": 0.5, "num_predict": 99, "num_ctx": 8192},
    }


def test_free_text_is_asked_for_without_a_format(ollama: OllamaServer) -> None:
    Ollama(ollama.url).chat(asking())
    assert "format" not in ollama.requests[-1].body
    assert ollama.requests[-1].body["options"] == {"temperature": 0.0}


def test_a_stream_gives_the_pieces_and_then_the_whole(ollama: OllamaServer) -> None:
    ollama.answer("one two three")
    *pieces, reply = Ollama(ollama.url).stream(asking())
    assert len(pieces) > 1
    assert isinstance(reply, ChatReply)
    assert "".join(map(str, pieces)) == reply.text == "one two three"


def test_pieces_come_as_they_are_written(ollama: OllamaServer) -> None:
    ollama.answer(Answer("one two three four", pause=1.0))
    started = time.monotonic()
    next(iter(Ollama(ollama.url).stream(asking())))
    assert time.monotonic() - started < 2.5


def test_a_stream_left_early_hangs_up_and_harms_no_later_one(ollama: OllamaServer) -> None:
    provider = Ollama(ollama.url)
    ollama.answer(Answer("one two three four five six", pause=0.1), "second")
    stream = provider.stream(asking())
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert provider.chat(asking()).text == "second"


def test_texts_become_vectors_in_order(ollama: OllamaServer) -> None:
    vectors = Ollama(ollama.url).embed("llama3.2", ["a", "abc"], timeout=5.0)
    assert vectors == [[1.0, 0.5, -0.5], [3.0, 0.5, -0.5]]
    assert ollama.requests[-1].body["truncate"] is False


def test_no_texts_are_no_request(ollama: OllamaServer) -> None:
    assert Ollama(ollama.url).embed("llama3.2", [], timeout=5.0) == []
    assert ollama.requests == []


def test_models_are_listed(ollama: OllamaServer) -> None:
    ollama.models = ("llama3.2", "nomic-embed-text:v1.5")
    assert Ollama(ollama.url).models(timeout=5.0) == ["llama3.2:latest", "nomic-embed-text:v1.5"]


BEFORE_THE_ANSWER = [
    (Fault.HANG, TimedOut, "longer `timeout`"),
    (Fault.DROP, Unavailable, "log"),
    (Fault.SLOW_HEADERS, TimedOut, "longer `timeout`"),
    (Fault.NOT_FOUND, ModelMissing, "ollama pull llama3.2"),
    (Fault.BUSY, Overloaded, "later"),
    (Fault.RATE_LIMITED, Overloaded, "later"),
    (Fault.BAD_REQUEST, BadParameter, ""),
    (Fault.UNAUTHORIZED, Unavailable, "OLLAMA_API_KEY"),
    (Fault.BROKEN, Unavailable, "log"),
    (Fault.OUT_OF_MEMORY, Unavailable, "smaller model"),
    (Fault.ODD_ERROR, Unavailable, "log"),
    (Fault.GATEWAY, Unavailable, "log"),
    (Fault.GATEWAY_LATE, TimedOut, "longer `timeout`"),
    (Fault.NO_OLLAMA, Unavailable, "RECONCILER_OLLAMA_URL"),
    (Fault.REDIRECT, Unavailable, "RECONCILER_OLLAMA_URL"),
]
MIDWAY = [
    (Fault.TRICKLE, TimedOut, "longer `timeout`"),
    (Fault.STALL, TimedOut, "longer `timeout`"),
    (Fault.CUT, Truncated, "log"),
    (Fault.NO_DONE, Truncated, "log"),
    (Fault.HALF_LINE, Truncated, "log"),
    (Fault.ERROR_MIDWAY, Unavailable, "smaller model"),
    (Fault.BUSY_MIDWAY, Overloaded, "later"),
    (Fault.GARBAGE, InvalidOutput, "RECONCILER_OLLAMA_URL"),
    (Fault.NO_OBJECT, InvalidOutput, "RECONCILER_OLLAMA_URL"),
    (Fault.OTHER_SHAPE, InvalidOutput, "RECONCILER_OLLAMA_URL"),
    (Fault.ENDLESS_LINE, InvalidOutput, ""),
    (Fault.TOOL_CALL, InvalidOutput, ""),
    (Fault.LENGTH, Truncated, "max_tokens"),
]


def test_the_tables_name_every_fault_once() -> None:
    assert sorted(fault for fault, *_ in BEFORE_THE_ANSWER + MIDWAY) == sorted(Fault)


@pytest.mark.parametrize(("fault", "expected", "hint"), BEFORE_THE_ANSWER + MIDWAY)
def test_every_fault_of_a_chat_is_one_typed_error_with_a_hint(
    ollama: OllamaServer, fault: Fault, expected: type[RunError], hint: str
) -> None:
    ollama.fault(fault)
    provider = Ollama(ollama.url)
    with pytest.raises(expected) as caught:
        provider.chat(asking(timeout=0.5))
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message
    assert provider.chat(asking()).text == "Hello."


@pytest.mark.parametrize(("fault", "expected", "hint"), BEFORE_THE_ANSWER)
def test_every_fault_of_an_embedding_is_one_typed_error_with_a_hint(
    ollama: OllamaServer, fault: Fault, expected: type[RunError], hint: str
) -> None:
    ollama.fault(fault)
    with pytest.raises(expected) as caught:
        Ollama(ollama.url).embed("llama3.2", ["a"], timeout=0.5)
    assert hint in caught.value.hint


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.SLOW_HEADERS, Fault.TRICKLE, Fault.STALL])
def test_a_deadline_holds_for_the_whole_answer(ollama: OllamaServer, fault: Fault) -> None:
    ollama.fault(fault)
    started = time.monotonic()
    with pytest.raises(TimedOut):
        Ollama(ollama.url).chat(asking(timeout=0.4))
    assert 0.35 < time.monotonic() - started < 4


def test_words_that_come_in_time_one_by_one_can_still_be_too_late(ollama: OllamaServer) -> None:
    ollama.answer(Answer("word " * 100, pause=0.05))
    started = time.monotonic()
    with pytest.raises(TimedOut):
        Ollama(ollama.url).chat(asking(timeout=0.4))
    assert time.monotonic() - started < 4


def test_the_cost_of_an_answer_that_was_cut_is_told(ollama: OllamaServer) -> None:
    ollama.answer(Answer('{"a": ', done_reason="length", prompt_tokens=30, completion_tokens=3))
    with pytest.raises(AnswerCut) as caught:
        Ollama(ollama.url).chat(asking())
    assert (caught.value.reply.text, caught.value.reply.tokens) == ('{"a": ', 33)


def test_nobody_there_is_told_with_what_to_do(ollama: OllamaServer) -> None:
    ollama.stop()
    provider = Ollama(ollama.url)
    for ask in (
        lambda: provider.chat(asking()),
        lambda: provider.embed("llama3.2", ["a"], timeout=5.0),
        lambda: provider.models(timeout=5.0),
    ):
        with pytest.raises(Unavailable) as caught:
            ask()
        assert "ollama serve" in caught.value.hint


def test_a_server_that_comes_back_is_asked_again(ollama: OllamaServer) -> None:
    provider = Ollama(ollama.url)
    provider.chat(asking())
    ollama.stop()
    with pytest.raises(Unavailable):
        provider.chat(asking())
    ollama.start()
    assert provider.chat(asking()).text == "Hello."


def test_a_model_that_is_not_there_is_named(ollama: OllamaServer) -> None:
    with pytest.raises(ModelMissing) as caught:
        Ollama(ollama.url).chat(ChatRequest("mistral:7b", (Message("user", "?"),), 5.0))
    assert "`mistral:7b`" in caught.value.message
    assert "ollama pull mistral:7b" in caught.value.hint


def test_proxies_of_the_environment_are_not_asked(
    ollama: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert Ollama(ollama.url).chat(asking()).text == "Hello."


def test_an_api_key_is_sent_and_never_told(ollama: OllamaServer) -> None:
    ollama.fault(Fault.UNAUTHORIZED)
    with pytest.raises(Unavailable) as caught:
        Ollama(ollama.url, api_key="s3cret").chat(asking())
    assert ollama.requests[-1].headers["authorization"] == "Bearer s3cret"
    assert "s3cret" not in f"{caught.value.message} {caught.value.hint}"


ADDRESSES = [
    ("127.0.0.1", "http://127.0.0.1:11434"),
    (":8080", "http://127.0.0.1:8080"),
    ("gpu.example.com:80", "http://gpu.example.com:80"),
    ("https://user:word@gpu.example.com/ollama/", "https://gpu.example.com/ollama"),
    ("[::1]:11434", "http://[::1]:11434"),
]


@pytest.mark.parametrize(("given", "told"), ADDRESSES)
def test_an_address_is_told_in_full_and_without_a_password(given: str, told: str) -> None:
    assert Ollama(given).url == told


@pytest.mark.parametrize("given", ["http://[", "ftp://example.com", "http://127.0.0.1:99999"])
def test_what_is_no_address_is_refused_at_once(given: str) -> None:
    with pytest.raises(UsageError):
        Ollama(given)


def test_many_threads_share_one_provider_and_get_their_own_answers(ollama: OllamaServer) -> None:
    def echo(request: Request) -> str:
        return request.body["messages"][0]["content"] * 3

    ollama.respond = echo
    provider = Ollama(ollama.url)
    with ThreadPoolExecutor(16) as threads:
        replies = threads.map(lambda number: provider.chat(asking(f"<{number}>")).text, range(200))
    assert [*replies] == [f"<{number}>" * 3 for number in range(200)]


def test_a_late_answer_in_one_thread_delays_no_other(ollama: OllamaServer) -> None:
    ollama.fault(Fault.HANG)
    provider = Ollama(ollama.url)

    def wait() -> None:
        with suppress(TimedOut):
            provider.chat(asking(timeout=2.0))

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not ollama.requests:
        time.sleep(0.01)
    started = time.monotonic()
    provider.chat(asking())
    assert time.monotonic() - started < 1.5
    waiting.join()


def test_connections_are_kept_and_not_shared_with_a_forked_child(ollama: OllamaServer) -> None:
    provider: LLMProvider = Ollama(ollama.url)
    provider.chat(asking())
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if provider.chat(asking()).text == "Hello." else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert provider.chat(asking()).text == "Hello."


def test_importing_the_provider_does_not_import_the_client() -> None:
    import subprocess
    import sys

    code = """if True:
        import sys
        from reconciler.llm.ollama import Ollama
        loaded = {"ollama", "httpx"} & set(sys.modules)
        Ollama.prepare()
        sys.exit(bool(loaded) or not {"ollama", "httpx"} <= set(sys.modules))
    """
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

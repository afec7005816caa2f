"""Ollama, through its own client."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reconciler.errors import InvalidOutput, UsageError
from reconciler.llm.faults import Exchange, broken_off, typed_faults
from reconciler.llm.grammar import grammar_schema
from reconciler.llm.provider import AnswerCut, ChatReply, ChatRequest

if TYPE_CHECKING:
    import ollama

    from reconciler.llm.wire import Transport

DEFAULT_URL = "http://127.0.0.1:11434"


class Ollama:
    """The server at a URL. Made once and used from many threads, also after a fork; connects when first asked.

    Answers are always streamed, so that a server notices when nobody waits for one any more. Proxies that the
    environment names are not used. Raises UsageError where the URL is none.
    """

    def __init__(self, url: str = DEFAULT_URL, *, api_key: str = "") -> None:
        self.url = _readable(url)
        self._given_url = url
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._lock = threading.Lock()
        self._transport: Transport | None = None
        self._process = 0

    def chat(self, request: ChatRequest) -> ChatReply:
        *_, reply = self.stream(request)
        assert isinstance(reply, ChatReply)
        return reply

    def stream(self, request: ChatRequest) -> Iterator[str | ChatReply]:
        client, exchange = self._begin(request.model, request.timeout)
        pieces: list[str] = []
        last: ollama.ChatResponse | None = None
        with typed_faults(exchange):
            parts: Any = client.chat(
                request.model,
                [{"role": message.role, "content": message.content} for message in request.messages],
                format=grammar_schema(request.schema) if request.schema is not None else None,
                options=_options(request),
                stream=True,
            )
            try:
                for part in parts:
                    exchange.begun = True
                    if part.message.tool_calls:
                        raise InvalidOutput(f"`{request.model}` called a tool instead of answering")
                    if part.message.content:
                        pieces.append(part.message.content)
                        yield pieces[-1]
                    if part.done:
                        last = part
            finally:
                parts.close()  # hangs up on an answer that nobody reads to its end
            if last is None:
                raise broken_off(exchange)
            yield _reply("".join(pieces), last, exchange)

    def embed(self, model: str, texts: Sequence[str], *, timeout: float) -> list[list[float]]:
        """A text too long for the model is refused (BadParameter): a vector of its beginning would mislead."""
        if not texts:
            return []
        client, exchange = self._begin(model, timeout)
        with typed_faults(exchange):
            vectors = [list(vector) for vector in client.embed(model, list(texts), truncate=False).embeddings]
        lengths = {len(vector) for vector in vectors}
        if len(vectors) != len(texts) or len(lengths) != 1 or 0 in lengths:
            raise InvalidOutput(f"`{model}` gave {len(vectors)} vectors for {len(texts)} texts")
        return vectors

    def models(self, *, timeout: float) -> list[str]:
        client, exchange = self._begin("", timeout)
        with typed_faults(exchange):
            return [entry.model for entry in client.list().models if entry.model]

    @staticmethod
    def prepare() -> None:
        """Loads what the first question needs, a tenth of a second's work, so that forks of this process have it."""
        import ollama  # noqa: F401

        import reconciler.llm.wire  # noqa: F401

    def close(self) -> None:
        with self._lock:
            transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def _begin(self, model: str, timeout: float) -> tuple[ollama.Client, Exchange]:
        """A client is cheap to make, and carries the deadline of its one request; connections outlive it."""
        import ollama

        from reconciler.llm.wire import Deadline

        deadline = Deadline(timeout)
        client = ollama.Client(
            self._given_url,
            headers=self._headers,
            timeout=deadline,
            transport=self._connections(),
            follow_redirects=False,
            trust_env=False,
        )
        return client, Exchange(self.url, model, deadline)

    def _connections(self) -> Transport:
        with self._lock:
            if self._transport is None or self._process != os.getpid():
                # Those of a parent process are not ours to use: two would read from one socket.
                from reconciler.llm.wire import Transport

                self._transport = Transport(secure=self._given_url.startswith("https:"))
                self._process = os.getpid()
            return self._transport


def _options(request: ChatRequest) -> Mapping[str, Any]:
    options = {
        "temperature": request.temperature,
        "num_predict": request.max_tokens,
        "num_ctx": request.context,
    }
    return {name: value for name, value in options.items() if value is not None}


def _reply(text: str, last: ollama.ChatResponse, exchange: Exchange) -> ChatReply:
    """Raises AnswerCut."""
    nanoseconds = last.total_duration or 0
    elapsed = float(exchange.deadline) - exchange.deadline.left
    reply = ChatReply(
        text,
        last.model or exchange.model,
        prompt_tokens=last.prompt_eval_count or 0,
        completion_tokens=last.eval_count or 0,
        duration=nanoseconds / 1e9 if nanoseconds else elapsed,
    )
    if last.done_reason == "length":
        raise AnswerCut(
            f"the answer of `{reply.model}` was cut after {reply.completion_tokens} tokens",
            reply,
            hint="raise `max_tokens` or `context`, or ask for a shorter answer",
        )
    return reply


def _readable(url: str) -> str:
    """The URL as messages name it: complete, without a password. Raises UsageError."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port
    except ValueError as error:
        raise _no_address(url) from error
    if parts.scheme not in ("http", "https"):
        raise _no_address(url)
    host = parts.hostname or "127.0.0.1"
    host = f"[{host}]" if ":" in host else host
    if port is None and "://" not in url:
        port = 11434
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def _no_address(url: str) -> UsageError:
    return UsageError(f"`{url}` is no address of an Ollama server", hint=f"write it as {DEFAULT_URL}")

"""The language model that answers from a script: what tests and rehearsals ask instead of a real one."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any

from reconciler.errors import ModelMissing, RunError, Unavailable
from reconciler.llm.provider import ChatReply, ChatRequest

Scripted = str | Mapping[str, Any] | ChatReply | RunError
"""One answer: a text, values that become its JSON, a whole reply, or the error to raise."""


class ScriptedModel:
    """Answers in the order of the script, or what `answer` says to the request once the script is at its end.

    `requests` are all that was asked. `models` are the models there are; empty: whichever is asked for. Tokens are
    words. Vectors of equal texts are equal, of others hardly ever.
    """

    def __init__(
        self,
        *script: Scripted,
        answer: Callable[[ChatRequest], Scripted] | None = None,
        models: Sequence[str] = (),
    ) -> None:
        self.requests: list[ChatRequest] = []
        self._script = deque(script)
        self._answer = answer
        self._models = [*models]
        self._lock = Lock()

    def chat(self, request: ChatRequest) -> ChatReply:
        self._known(request.model)
        scripted = self._next(request)
        if isinstance(scripted, RunError):
            raise scripted
        if isinstance(scripted, ChatReply):
            return scripted
        text = scripted if isinstance(scripted, str) else json.dumps(scripted, ensure_ascii=False)
        asked = sum(len(message.content.split()) for message in request.messages)
        return ChatReply(text, request.model, prompt_tokens=asked, completion_tokens=len(text.split()))

    def stream(self, request: ChatRequest) -> Iterator[str | ChatReply]:
        reply = self.chat(request)
        yield from reply.text.splitlines(keepends=True)
        yield reply

    def embed(self, model: str, texts: Sequence[str], *, timeout: float) -> list[list[float]]:
        self._known(model)
        return [[byte / 255 for byte in hashlib.sha256(text.encode()).digest()[:8]] for text in texts]

    def models(self, *, timeout: float) -> list[str]:
        return [*self._models]

    def _next(self, request: ChatRequest) -> Scripted:
        with self._lock:
            self.requests.append(request)
            if self._script:
                return self._script.popleft()
        if self._answer is None:
            return Unavailable("the script has no more answers")
        return self._answer(request)

    def _known(self, model: str) -> None:
        if self._models and model not in self._models:
            raise ModelMissing(f"there is no model `{model}`", hint=f"known: {', '.join(self._models)}")

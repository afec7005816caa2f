"""What a language model is asked and what it answers, whoever runs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from reconciler.errors import Truncated

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """`schema` is the JSON Schema the answer must follow; None for free text. `timeout` is in seconds for the whole
    answer, and always given. `max_tokens` bounds the answer, `context` the tokens the model looks at."""

    model: str
    messages: tuple[Message, ...]
    timeout: float
    schema: Mapping[str, Any] | None = None
    temperature: float = 0.0
    max_tokens: int | None = None
    context: int | None = None


@dataclass(frozen=True, slots=True)
class ChatReply:
    """`text` is the whole answer, complete: one that was cut is an error. `duration` is in seconds."""

    text: str
    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    duration: float = 0.0

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class AnswerCut(Truncated):
    """The model ran out of tokens. `reply` is what there is of its answer, and what it cost."""

    def __init__(self, message: str, reply: ChatReply, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reply = reply


class LLMProvider(Protocol):
    """Every method raises Unavailable, TimedOut, ModelMissing, Overloaded, Truncated, InvalidOutput or BadParameter
    (the request itself is refused: asking again is no use), and nothing else."""

    def chat(self, request: ChatRequest) -> ChatReply:
        """One whole answer."""

    def stream(self, request: ChatRequest) -> Iterator[str | ChatReply]:
        """Pieces of the answer as they come, and at the end the whole of it as a ChatReply."""

    def embed(self, model: str, texts: Sequence[str], *, timeout: float) -> list[list[float]]:
        """One vector per text, in order."""

    def models(self, *, timeout: float) -> list[str]:
        """Names of the models that can be asked."""

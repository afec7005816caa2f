"""What Ollama is asked and what it says, as JSON: the messages of its HTTP protocol."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any

CREATED = "2025-06-01T12:00:00.000000Z"
VERSION = "0.12.0"


@dataclass(frozen=True)
class Answer:
    """What the model writes. Values become JSON. `pause` is the time in seconds before each piece of a stream; all but
    the first few pieces wait for `rest`, if there is one."""

    content: str | Mapping[str, Any]
    done_reason: str = "stop"
    prompt_tokens: int = 26
    completion_tokens: int = 12
    pause: float = 0.0
    rest: Event | None = None

    @property
    def text(self) -> str:
        return self.content if isinstance(self.content, str) else json.dumps(self.content, ensure_ascii=False)


@dataclass(frozen=True)
class Request:
    """`path` as asked (`/api/chat`), `body` parsed."""

    path: str
    body: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def prompt(self) -> str:
        """All that the model is told, in one text."""
        messages = [message["content"] for message in self.body.get("messages", [])]
        return "\n\n".join([*messages, *filter(None, [self.body.get("prompt")])])


def stream_of(request: Request, answer: Answer) -> Iterator[bytes]:
    """The lines of an answer, about a word each."""
    for piece in _pieces(answer.text):
        yield line_of(part_of(request, piece))
    yield line_of(part_of(request, "") | ending_of(answer))


def whole(request: Request, answer: Answer) -> dict[str, Any]:
    return part_of(request, answer.text) | ending_of(answer)


def part_of(request: Request, text: str) -> dict[str, Any]:
    said = (
        {"response": text}
        if request.path == "/api/generate"
        else {"message": {"role": "assistant", "content": text}}
    )
    return {"model": request.body["model"], "created_at": CREATED, **said, "done": False}


def ending_of(answer: Answer) -> dict[str, Any]:
    return {
        "done": True,
        "done_reason": answer.done_reason,
        "total_duration": 250_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": answer.prompt_tokens,
        "prompt_eval_duration": 49_000_000,
        "eval_count": answer.completion_tokens,
        "eval_duration": 200_000_000,
    }


def embedded(request: Request, answer: Answer) -> dict[str, Any]:
    """Vectors whose numbers say how long each text is."""
    texts = request.body.get("input", [])
    texts = [texts] if isinstance(texts, str) else texts
    return {
        "model": request.body["model"],
        "embeddings": [[float(len(text)), 0.5, -0.5] for text in texts],
        "total_duration": 14_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": answer.prompt_tokens,
    }


def _pieces(text: str) -> list[str]:
    return [text[start : start + 6] for start in range(0, len(text), 6)]


def line_of(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


DETAILS = {
    "parent_model": "",
    "format": "gguf",
    "family": "llama",
    "families": ["llama"],
    "parameter_size": "3.2B",
    "quantization_level": "Q4_K_M",
}


def listed(name: str) -> dict[str, Any]:
    return {
        "name": tagged(name),
        "model": tagged(name),
        "modified_at": CREATED,
        "size": 2_019_393_189,
        "digest": "a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72",
        "details": DETAILS,
    }


def tagged(name: str) -> str:
    return name if ":" in name else f"{name}:latest"


def instance_of(schema: Mapping[str, Any]) -> Any:
    """A small value that a schema admits, as far as schemas of fields go."""
    if "enum" in schema:
        return schema["enum"][0]
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return instance_of(schema[union][0])
    kind = schema.get("type", "object")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            return {name: instance_of(part) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [instance_of(schema.get("items", {})) for _ in range(schema.get("minItems", 0))]
        case "integer":
            return max(schema.get("minimum", -math.inf), min(1, schema.get("maximum", 1)))
        case "number":
            return 1.5
        case "boolean":
            return True
        case "null":
            return None
    by_format = {
        "date": "2025-06-01",
        "date-time": "2025-06-01T12:00:00Z",
        "uuid": "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    }
    text = by_format.get(schema.get("format", ""), "0" if "pattern" in schema else "text")
    return text[: schema.get("maxLength")].ljust(schema.get("minLength", 0), "x")

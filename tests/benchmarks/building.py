"""A turn of the builder beside the bare chat call in it, against the same fake server, in turns.

`python -m tests.benchmarks.building`
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from reconciler.bootstrap import open_builder
from reconciler.builder.service import AgentBuilderService
from reconciler.llm.ollama import Ollama
from reconciler.llm.provider import ChatRequest, Message
from reconciler.settings import Settings
from tests.ollama_server import OllamaServer

CONVERSATIONS = 20
TURNS = ("document extraction", "vendor, total as amount", "none", "also store the currency", "bills")
ANSWER = '{"reply": "I take it down.", "name": null, "purpose": null, "details": null}'


def main() -> None:
    with TemporaryDirectory() as folder, OllamaServer() as server:
        server.respond = lambda request: ANSWER
        (Path(folder) / "agents.d").mkdir()
        settings = Settings(
            source=f"{folder}/agents.d",
            database=f"sqlite:///{folder}/sessions.db",
            cache=Path(folder) / "cache",
            ollama_url=server.url,
        )
        bare, whole = _measured(open_builder(settings), Ollama(server.url))
    print(f"bare chat call      {1000 * median(bare):6.1f} ms (median of {len(bare)})")
    print(f"turn of the builder {1000 * median(whole):6.1f} ms")
    over = sorted(turn - median(bare) for turn in whole)
    late = 1000 * over[int(len(over) * 0.95)]
    print(f"overhead            {1000 * median(over):6.1f} ms median, {late:.1f} ms p95; goal 20 ms")


def _measured(builder: AgentBuilderService, model: Ollama) -> tuple[list[float], list[float]]:
    """Seconds of each bare call and of each turn, one after the other."""
    bare: list[float] = []
    whole: list[float] = []
    for _ in range(CONVERSATIONS):
        session = builder.start(owner="benchmark")
        for line in TURNS:
            bare.append(_timed(partial(model.chat, _request(line))))
            whole.append(_timed(partial(builder.say, session.id, line)))
    return bare, whole


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _request(line: str) -> ChatRequest:
    return ChatRequest("llama3.2", (Message("user", line),), timeout=10.0, schema={"type": "object"})


if __name__ == "__main__":
    main()

"""Four trivial steps with validated input and output, many times: `four_steps.py WAY COUNT [BLOCKS]`.

The same work in every way: the text of a mail is trimmed, shouted and measured, and what came of it put together.
Prints the seconds that a thousand runs took, the middle one of BLOCKS blocks of COUNT runs each. Needs pydantic, and
whatever package WAY names.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

GIVEN = {
    "message_id": "<20260131.1@example.com>",
    "sender": "ada@example.com",
    "subject": "Down",
    "body": "  the mail server is down  ",
    "urgency": 4,
}
EXPECTED = {
    "message_id": "<20260131.1@example.com>",
    "category": "bug",
    "summary": "THE MAIL SERVER IS DOWN",
    "words": 5,
    "urgency": 4,
}


class Given(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    message_id: str = Field(max_length=255)
    sender: str = Field(max_length=320)
    subject: str | None = Field(None, max_length=998)
    body: str = Field(max_length=10_000)
    urgency: int = Field(1, ge=1, le=5)


class Result(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    message_id: str = Field(max_length=255)
    category: Literal["billing", "bug", "sales", "other"]
    summary: str = Field(max_length=600)
    words: int = Field(ge=0)
    urgency: int = Field(ge=1, le=5)


def trim(text: str) -> str:
    return text.strip()


def shout(text: str) -> str:
    return text.upper()


def measure(text: str) -> int:
    return len(text.split())


def join(message_id: str, text: str, words: int, urgency: int) -> dict[str, Any]:
    category = "bug" if "DOWN" in text else "other"
    return {
        "message_id": message_id,
        "category": category,
        "summary": text,
        "words": words,
        "urgency": urgency,
    }


Run = Callable[[Mapping[str, Any]], Any]


def plain() -> Run:
    def run(given: Mapping[str, Any]) -> Any:
        values = Given.model_validate(given)
        text = shout(trim(values.body))
        found = join(values.message_id, text, measure(text), values.urgency)
        return Result.model_validate(found).model_dump()

    return run


def haystack() -> Run:
    from haystack import Pipeline, component

    @component
    class Trim:
        @component.output_types(text=str)
        def run(self, text: str) -> dict[str, Any]:
            return {"text": trim(text)}

    @component
    class Shout:
        @component.output_types(text=str)
        def run(self, text: str) -> dict[str, Any]:
            return {"text": shout(text)}

    @component
    class Measure:
        @component.output_types(text=str, words=int)
        def run(self, text: str) -> dict[str, Any]:
            return {"text": text, "words": measure(text)}

    @component
    class Join:
        @component.output_types(result=dict)
        def run(self, message_id: str, text: str, words: int, urgency: int) -> dict[str, Any]:
            return {"result": join(message_id, text, words, urgency)}

    pipeline = Pipeline()
    for name, step in (("trim", Trim()), ("shout", Shout()), ("measure", Measure()), ("join", Join())):
        pipeline.add_component(name, step)
    for source, target in (
        ("trim.text", "shout.text"),
        ("shout.text", "measure.text"),
        ("measure.text", "join.text"),
        ("measure.words", "join.words"),
    ):
        pipeline.connect(source, target)
    pipeline.warm_up()

    def run(given: Mapping[str, Any]) -> Any:
        values = Given.model_validate(given)
        beside = {"message_id": values.message_id, "urgency": values.urgency}
        found = pipeline.run({"trim": {"text": values.body}, "join": beside})
        return Result.model_validate(found["join"]["result"]).model_dump()

    return run


def langgraph() -> Run:
    from typing import TypedDict

    from langgraph.graph import END, START, StateGraph

    class State(TypedDict):
        message_id: str
        text: str
        urgency: int
        words: int
        result: dict[str, Any]

    graph = StateGraph(State)
    graph.add_node("trim", lambda state: {"text": trim(state["text"])})
    graph.add_node("shout", lambda state: {"text": shout(state["text"])})
    graph.add_node("measure", lambda state: {"words": measure(state["text"])})
    graph.add_node("join", lambda s: {"result": join(s["message_id"], s["text"], s["words"], s["urgency"])})
    for source, target in zip(
        (START, "trim", "shout", "measure", "join"), ("trim", "shout", "measure", "join", END), strict=True
    ):
        graph.add_edge(source, target)
    compiled = graph.compile()

    def run(given: Mapping[str, Any]) -> Any:
        values = Given.model_validate(given)
        start = {"message_id": values.message_id, "text": values.body, "urgency": values.urgency}
        found = compiled.invoke(start)
        return Result.model_validate(found["result"]).model_dump()

    return run


def pydantic_graph() -> Callable[[Mapping[str, Any]], Awaitable[Any]]:
    from dataclasses import dataclass

    from pydantic_graph import GraphBuilder

    @dataclass
    class State:
        message_id: str
        urgency: int
        words: int = 0

    builder: Any = GraphBuilder(state_type=State, input_type=str, output_type=dict, auto_instrument=False)

    @builder.step
    async def trimmed(step: Any) -> str:
        return trim(step.inputs)

    @builder.step
    async def shouted(step: Any) -> str:
        return shout(step.inputs)

    @builder.step
    async def measured(step: Any) -> str:
        step.state.words = measure(step.inputs)
        return str(step.inputs)

    @builder.step
    async def joined(step: Any) -> dict[str, Any]:
        state = step.state
        return join(state.message_id, step.inputs, state.words, state.urgency)

    line = (builder.start_node, trimmed, shouted, measured, joined, builder.end_node)
    builder.add(*(builder.edge_from(source).to(target) for source, target in itertools.pairwise(line)))
    graph = builder.build()

    async def run(given: Mapping[str, Any]) -> Any:
        values = Given.model_validate(given)
        found = await graph.run(inputs=values.body, state=State(values.message_id, values.urgency))
        return Result.model_validate(found).model_dump()

    return run


def ours() -> Run:
    from tests.benchmarks.four_tools import pipeline, task_of

    run, task = pipeline(trim, shout, measure, join), task_of(GIVEN)
    # A task is made by whoever queues it, as GIVEN is by whoever calls the others.
    return lambda given: run(task)


WAYS: dict[str, Callable[[], Any]] = {
    "plain": plain,
    "haystack": haystack,
    "langgraph": langgraph,
    "pydantic-graph": pydantic_graph,
    "ours": ours,
}


def main() -> None:
    way, count, *blocks = sys.argv[1:]
    run = WAYS[way]()
    several = range(int(blocks[0]) if blocks else 5)
    # An asynchronous way pays for its loop once, not for every run.
    if asyncio.iscoroutinefunction(run):
        asyncio.run(_timed_in_loop(run, int(count), several))
    else:
        _timed(run, int(count), several)


def _timed(run: Run, count: int, blocks: range) -> None:
    assert run(GIVEN) == EXPECTED, run(GIVEN)
    seconds = []
    for _ in blocks:
        before = time.perf_counter()
        for _ in range(count):
            run(GIVEN)
        seconds.append(time.perf_counter() - before)
    _tell(seconds, count)


async def _timed_in_loop(
    run: Callable[[Mapping[str, Any]], Awaitable[Any]], count: int, blocks: range
) -> None:
    assert await run(GIVEN) == EXPECTED
    seconds = []
    for _ in blocks:
        before = time.perf_counter()
        for _ in range(count):
            await run(GIVEN)
        seconds.append(time.perf_counter() - before)
    _tell(seconds, count)


def _tell(seconds: list[float], count: int) -> None:
    print(f"a thousand runs\n{statistics.median(seconds) * 1000 / count:.6f}")


if __name__ == "__main__":
    main()

"""Server-sent events. Each has an id: who comes back with it as `Last-Event-ID` is not told the same again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Header
from fastapi.responses import StreamingResponse

from api.wire import dumped

if TYPE_CHECKING:
    from api.state import ServerState

EVENTS = "text/event-stream"
KEEP_ALIVE = 15.0
"""Seconds of silence after which a comment is sent: proxies close what is silent."""
LOOK = 0.5
"""Seconds between two looks at whether the server is about to stop."""

UNBUFFERED = {"X-Accel-Buffering": "no"}
"""A proxy must not collect what is to arrive at once."""

LastEventId = Annotated[
    str, Header(alias="Last-Event-ID", max_length=100, description="Id of the last event that arrived.")
]

STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {EVENTS: {"schema": {"type": "string"}}}, "description": "Events until the end."}
}


def event(name: str, data: Any, identity: str) -> bytes:
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (identity.encode(), name.encode(), dumped(data))


def event_stream(state: ServerState, events: AsyncIterator[bytes]) -> StreamingResponse:
    """Ends with the events, with the server, or with whoever listens."""
    return StreamingResponse(_kept_alive(state, events), media_type=EVENTS, headers=UNBUFFERED)


async def _kept_alive(state: ServerState, events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    silent = 0.0
    following = asyncio.ensure_future(anext(events, None))
    try:
        while not state.stopping:
            done, _ = await asyncio.wait([following], timeout=LOOK)
            if done:
                sent = following.result()
                if sent is None:
                    return
                yield sent
                silent = 0.0
                following = asyncio.ensure_future(anext(events, None))
                continue
            silent += LOOK
            if silent >= KEEP_ALIVE:
                yield b": still here\n\n"
                silent = 0.0
    finally:
        following.cancel()

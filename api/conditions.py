"""What a request may rely on: ETags of what it saw, and that sending it twice does it once."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from fastapi import Request, Response

from api.problems import Refusal
from reconciler.database.clock import moment_of, time_text

if TYPE_CHECKING:
    from api.auth import Caller
    from api.state import ServerState

KEY_LENGTH = 200
KEPT_FOR = 24 * 3600
"""Seconds for which an answer is given again."""
_KEPT_HEADERS = ("content-type", "location", "etag")


def etag(digest: str) -> str:
    """A strong ETag of what has this digest."""
    return f'"{digest}"'


def not_modified(request: Request, tag: str) -> bool:
    """Whether the caller has this very thing already."""
    given = [part.strip() for part in request.headers.get("if-none-match", "").split(",")]
    return tag in given or "*" in given


def require_match(request: Request, tag: str, *, required: bool = True) -> None:
    """Raises 412 where the caller saw something else than what is there, 428 where it does not say what it saw."""
    given = request.headers.get("if-match")
    if given is None:
        if required:
            raise Refusal(
                428,
                "precondition-required",
                "say what you saw: send its ETag as If-Match",
                hint="GET it first",
            )
        return
    if given.strip() != "*" and tag not in [part.strip() for part in given.split(",")]:
        raise Refusal(
            412,
            "changed-meanwhile",
            "it has changed since you read it",
            hint="GET it again and repeat the change",
        )


@dataclass(frozen=True, slots=True)
class _Kept:
    digest: str
    status: int | None
    headers: str | None
    body: str | None


async def once(
    request: Request, state: ServerState, caller: Caller, work: Callable[[], Awaitable[Response]]
) -> Response:
    """The answer of `work`; with an `Idempotency-Key` the same one each time, and the work done once.

    Raises 409 while the first is still at it, 422 where the key came with another request before.
    """
    key = request.headers.get("idempotency-key", "")
    if not key:
        return await work()
    if len(key) > KEY_LENGTH or not key.isprintable():
        raise Refusal(
            400, "bad-idempotency-key", f"a key is a text of at most {KEY_LENGTH} printable characters"
        )
    digest = _digest(request, await request.body())
    kept = _begin(state, caller.id, key, digest)
    if kept is not None:
        return _again(kept, digest)
    try:
        response = await work()
    except BaseException:
        # Nothing was done, or nobody knows: the caller may try again and is told what is.
        _forget(state, caller.id, key)
        raise
    _keep(state, caller.id, key, response)
    return response


def _digest(request: Request, body: bytes) -> str:
    head = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(head + body).hexdigest()


def _begin(state: ServerState, caller: str, key: str, digest: str) -> _Kept | None:
    """What is kept under the key; None if nothing was: then it is now known that the work is being done."""
    with state.connection() as connection, connection.transaction():
        now = moment_of(connection)
        old = time_text(now.fromtimestamp(now.timestamp() - KEPT_FOR, tz=now.tzinfo))
        connection.execute("DELETE FROM kept_replies WHERE at < ?", (old,))
        made = connection.execute(
            "INSERT INTO kept_replies (caller, idempotency_key, request_digest, at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING RETURNING caller",
            (caller, key, digest, time_text(now)),
        )
        if made:
            return None
        rows = connection.execute(
            "SELECT request_digest, status, headers, body FROM kept_replies"
            " WHERE caller = ? AND idempotency_key = ?",
            (caller, key),
        )
        return _Kept(*rows[0])


def _again(kept: _Kept, digest: str) -> Response:
    if kept.digest != digest:
        raise Refusal(422, "idempotency-key-reused", "this Idempotency-Key came with another request before")
    if kept.status is None:
        raise Refusal(
            409,
            "in-progress",
            "the first request with this key is still running",
            headers={"Retry-After": "1"},
        )
    headers = {**orjson.loads(kept.headers or "{}"), "Idempotency-Replayed": "true"}
    return Response((kept.body or "").encode(), kept.status, headers)


def _keep(state: ServerState, caller: str, key: str, response: Response) -> None:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    with state.connection() as connection:
        connection.execute(
            "UPDATE kept_replies SET status = ?, headers = ?, body = ? WHERE caller = ? AND idempotency_key = ?",
            (
                response.status_code,
                orjson.dumps(headers).decode(),
                bytes(response.body).decode(),
                caller,
                key,
            ),
        )


def _forget(state: ServerState, caller: str, key: str) -> None:
    with state.connection() as connection:
        connection.execute(
            "DELETE FROM kept_replies WHERE caller = ? AND idempotency_key = ? AND status IS NULL",
            (caller, key),
        )

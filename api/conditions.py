"""What a request may rely on: ETags of what it saw, and that sending it twice does it once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import orjson
from fastapi import Depends, Header, Request, Response

from api.problems import Refusal
from api.state import server_of
from reconciler.database.clock import moment_of, time_text
from reconciler.database.connection import Connection

KEY_LENGTH = 200
KEPT_FOR = timedelta(hours=24)
"""For how long an answer is given again."""
LOST_AFTER = timedelta(minutes=15)
"""A first request that has not ended by then went down with its server."""
_KEPT_HEADERS = ("content-type", "location", "etag")


IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=1000, description="ETag of what you saw; `*` for whatever is there."),
]


def etag(digest: str) -> str:
    """A strong ETag of what has this digest."""
    return f'"{digest}"'


def not_modified(request: Request, tag: str) -> bool:
    """Whether the caller has this very thing already."""
    given = [part.strip() for part in request.headers.get("if-none-match", "").split(",")]
    return tag in given or "*" in given


def require_match(given: str | None, tag: str) -> None:
    """Raises 412 where the caller saw something else than what is there, 428 where it does not say what it saw."""
    if given is None:
        raise Refusal(
            428,
            "precondition-required",
            "say what you saw: send its ETag as If-Match",
            hint="GET it first",
        )
    if given.strip() != "*" and tag not in [part.strip() for part in given.split(",")]:
        raise Refusal(
            412,
            "changed-meanwhile",
            "it has changed since you read it",
            hint="GET it again and repeat the change; where the source is ahead of what is applied, apply it first",
        )


class Once:
    """The answer of some work; with an `Idempotency-Key` the same one each time, and the work done once.

    Raises 409 while the first request is still at it, 422 where the key came with another request before.
    """

    def __init__(self, request: Request, key: str, body: bytes) -> None:
        self._request, self.key, self._body = request, key, body

    def __call__(self, work: Callable[[], Response]) -> Response:
        if not self.key:
            return work()
        state = server_of(self._request)
        with state.connection() as connection, connection.transaction():
            kept = self._begin(connection)
        if kept is not None:
            return self._again(kept)
        try:
            response = work()
        except BaseException:
            # Nothing was done, or nobody knows: the caller may try again and is told what is.
            with state.connection() as connection:
                self._forget(connection)
            raise
        with state.connection() as connection:
            self._keep(connection, response)
        return response

    def within(self, connection: Connection, work: Callable[[], Response]) -> Response:
        """Where the work is one transaction, which this one is: then answer and work are there together or not."""
        with connection.transaction():
            kept = self._begin(connection) if self.key else None
            if kept is not None:
                return self._again(kept)
            response = work()
            if self.key:
                self._keep(connection, response)
            return response

    @property
    def _caller(self) -> str:
        return str(self._request.state.caller.id)

    @property
    def _digest(self) -> str:
        url = self._request.url
        head = f"{self._request.method} {url.path}?{url.query}\n".encode()
        return hashlib.sha256(head + self._body).hexdigest()

    def _begin(self, connection: Connection) -> _Kept | None:
        """What is kept under the key; None if nothing was: then it is now known that the work is being done."""
        now = moment_of(connection)
        connection.execute(
            "DELETE FROM kept_replies WHERE at < ? OR (status IS NULL AND at < ?)",
            (time_text(now - KEPT_FOR), time_text(now - LOST_AFTER)),
        )
        made = connection.execute(
            "INSERT INTO kept_replies (caller, idempotency_key, request_digest, at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING RETURNING caller",
            (self._caller, self.key, self._digest, time_text(now)),
        )
        if made:
            return None
        rows = connection.execute(
            "SELECT request_digest, status, headers, body FROM kept_replies"
            " WHERE caller = ? AND idempotency_key = ?",
            (self._caller, self.key),
        )
        return _Kept(*rows[0])

    def _again(self, kept: _Kept) -> Response:
        if kept.digest != self._digest:
            raise Refusal(
                422, "idempotency-key-reused", "this Idempotency-Key came with another request before"
            )
        if kept.status is None:
            raise Refusal(
                409,
                "in-progress",
                "the first request with this key is still running",
                headers={"Retry-After": "1"},
            )
        headers = {**orjson.loads(kept.headers or "{}"), "Idempotency-Replayed": "true"}
        return Response((kept.body or "").encode(), kept.status, headers)

    def _keep(self, connection: Connection, response: Response) -> None:
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        connection.execute(
            "UPDATE kept_replies SET status = ?, headers = ?, body = ? WHERE caller = ? AND idempotency_key = ?",
            (
                response.status_code,
                orjson.dumps(headers).decode(),
                bytes(response.body).decode(),
                self._caller,
                self.key,
            ),
        )

    def _forget(self, connection: Connection) -> None:
        connection.execute(
            "DELETE FROM kept_replies WHERE caller = ? AND idempotency_key = ? AND status IS NULL",
            (self._caller, self.key),
        )


async def _once_of(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=KEY_LENGTH,
            pattern="^[!-~]+$",
            description="Sent again with the same key, a request is answered as it was the first time.",
            examples=["4f9c1a52-import-17"],
        ),
    ] = None,
) -> Once:
    return Once(request, idempotency_key or "", await request.body())


Idempotent = Annotated[Once, Depends(_once_of)]


@dataclass(frozen=True, slots=True)
class _Kept:
    digest: str
    status: int | None
    headers: str | None
    body: str | None

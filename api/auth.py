"""Who asks, and what they may do. The authenticator is a port: keys today, an identity provider beside them later."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Protocol

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPBearer

from api.problems import Refusal
from reconciler.database.api_keys import Role, find_key, note_use
from reconciler.database.connection import Connection

if TYPE_CHECKING:
    from api.state import ServerState

GUESSES = 20
"""Wrong keys that one address may send a minute before it has to wait."""
REMEMBERED = 10_000
"""Addresses whose wrong keys are counted; beyond that the ones longest quiet are forgotten."""

_bearer = HTTPBearer(auto_error=False, description="`Authorization: Bearer rk_...`")
_header = APIKeyHeader(name="X-Api-Key", auto_error=False, description="The same key in a header of its own.")


@dataclass(frozen=True, slots=True)
class Caller:
    """`id` is what audit and idempotency know the caller by, `name` what people do."""

    id: str
    name: str
    role: Role


class Authenticator(Protocol):
    def identify(self, credential: str) -> Caller | None:
        """Who has this credential; None for nobody. Takes as long either way."""


class Guesses:
    """Counts wrong keys by address within the last minute. May be shared between threads."""

    def __init__(self, most: int = GUESSES, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._seen: dict[str, deque[float]] = {}
        self._lock = Lock()

    def wait(self, address: str) -> float:
        """Seconds until the address may try again; 0 if it may now."""
        with self._lock:
            times = self._recent(address)
            return max(0.0, times[0] + 60 - self._clock()) if len(times) >= self._most else 0.0

    def wrong(self, address: str) -> None:
        with self._lock:
            times = self._recent(address)
            times.append(self._clock())
            self._seen.pop(address, None)
            self._seen[address] = times
            while len(self._seen) > REMEMBERED:
                del self._seen[next(iter(self._seen))]

    def _recent(self, address: str) -> deque[float]:
        times = self._seen.get(address, deque(maxlen=self._most))
        while times and times[0] <= self._clock() - 60:
            times.popleft()
        return times


def caller_of(
    request: Request,
    bearer: Annotated[object, Depends(_bearer)] = None,
    header: Annotated[str | None, Depends(_header)] = None,
) -> Caller:
    """Who sent the request. Raises 401 without a right key, 429 after too many wrong ones."""
    state: ServerState = request.app.state.server
    credential = getattr(bearer, "credentials", None) or header or ""
    address = request.client.host if request.client else ""
    if wait := state.guesses.wait(address):
        raise Refusal(
            429,
            "too-many-guesses",
            "too many wrong keys from this address",
            headers={"Retry-After": str(int(wait) + 1)},
        )
    caller = state.authenticator.identify(credential)
    if caller is None:
        if credential:
            state.guesses.wrong(address)
        raise Refusal(
            401,
            "unauthenticated",
            "no key, or not one that is in use",
            hint="send `Authorization: Bearer KEY`; `reconcile keys create` makes one",
            headers={"WWW-Authenticate": 'Bearer realm="reconciler"'},
        )
    request.state.caller = caller
    return caller


def require(role: Role) -> Callable[[Caller], Caller]:
    """A dependency that lets only callers of a role, or of one above it, pass."""

    def check(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
        if not caller.role.covers(role):
            raise Refusal(
                403,
                "forbidden",
                f"this takes the role {role.value}; the key has {caller.role.value}",
                hint="ask an admin for a key of that role",
            )
        return caller

    check.role = role  # type: ignore[attr-defined]  # read back for the OpenAPI and the tests' table
    return check


Viewer = Annotated[Caller, Depends(require(Role.VIEWER))]
Author = Annotated[Caller, Depends(require(Role.AUTHOR))]
Operator = Annotated[Caller, Depends(require(Role.OPERATOR))]
Admin = Annotated[Caller, Depends(require(Role.ADMIN))]


class KeyAuthenticator:
    """Keys of the database. `open_connection` gives one for the question alone."""

    def __init__(
        self, open_connection: Callable[[], AbstractContextManager[Connection]], pepper: bytes
    ) -> None:
        self._open, self._pepper = open_connection, pepper

    def identify(self, credential: str) -> Caller | None:
        with self._open() as connection:
            key = find_key(connection, credential, pepper=self._pepper)
            if key is None:
                return None
            note_use(connection, key)
            return Caller(key.id, key.name, key.role)

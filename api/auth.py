"""Who asks, and what they may do. The authenticator is a port: keys today, an identity provider beside them later."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Protocol

from fastapi import Depends, Request

from api.problems import Refusal
from api.reading import Moment
from reconciler.database.api_keys import Role, find_key, is_in_use_unnoted, note_use
from reconciler.database.clock import time_text
from reconciler.database.connection import Connection

if TYPE_CHECKING:
    from api.state import ServerState

REMEMBERED = 10_000
"""Addresses whose wrong keys are counted; beyond that the ones longest quiet are forgotten."""

LONGEST_KEY = 200

KNOWN_FOR = 1.0
"""Seconds for which a key that was found is not looked up again, while the database stays as it is."""


@dataclass(frozen=True, slots=True)
class Caller:
    """`id` is what audit and idempotency know the caller by, `name` what people do."""

    id: str
    name: str
    role: Role


class Authenticator(Protocol):
    def identify(self, moment: Moment, credential: str) -> Caller | None:
        """Who has this credential; None for nobody. How long it takes does not depend on how near a wrong one is."""


class Guesses:
    """Counts wrong keys by address within the last minute. May be shared between threads."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
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


class Rates:
    """Counts the requests of each caller in the running minute. Of one event loop only."""

    def __init__(self, most: int, clock: Callable[[], float] = time.time) -> None:
        self.most, self._clock = most, clock
        self._minute = 0
        self._counts: dict[str, int] = {}

    def take(self, caller: str) -> tuple[int, int]:
        """(how many are left, seconds until there are new ones); -1 where there are none for this request."""
        now = int(self._clock())
        if now // 60 != self._minute:
            self._minute = now // 60
            self._counts.clear()
        count = self._counts[caller] = self._counts.get(caller, 0) + 1
        return max(-1, self.most - count), 60 - now % 60


async def caller_of(request: Request) -> Caller:
    """Who sent the request. Raises 401 without a right key, 429 after too many wrong ones or too many requests."""
    state: ServerState = request.app.state.server
    address = request.client.host if request.client else ""
    if wait := state.guesses.wait(address):
        raise _too_many("too-many-guesses", "too many wrong keys from this address", int(wait) + 1)
    credential = _credential(request)
    caller = await state.recall(lambda moment: state.authenticator.identify(moment, credential))
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
    _count(request, state.rates, caller)
    request.state.caller = caller
    return caller


def require(role: Role) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency that lets only callers of a role, or of one above it, pass."""

    async def check(request: Request) -> Caller:
        caller = await caller_of(request)
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
    """Keys of the database. `later` takes what need not be done before the answer."""

    def __init__(self, pepper: bytes, later: Callable[[Callable[[Connection], None]], None]) -> None:
        self._pepper, self._later = pepper, later
        self._salt = secrets.token_bytes(32)

    def identify(self, moment: Moment, credential: str) -> Caller | None:
        # Known by a keyed hash: the key itself is kept nowhere, and nobody can aim at a place in the table.
        mark = hashlib.blake2b(credential.encode(), key=self._salt, digest_size=32).digest()
        known: tuple[Caller, float] | None = moment.known.get(mark)
        if known is not None and known[1] > time.monotonic():
            return known[0]
        key = find_key(moment.connection, credential, pepper=self._pepper)
        if key is None:
            return None
        if is_in_use_unnoted(key):
            # A write waits for whoever writes: not in the way of a request.
            self._later(lambda own: note_use(own, key))
        caller = Caller(key.id, key.name, key.role)
        if key.usable(time_text(datetime.now(UTC) + timedelta(seconds=KNOWN_FOR))):
            moment.known[mark] = caller, time.monotonic() + KNOWN_FOR
        return caller


def _credential(request: Request) -> str:
    """The key as it was sent, in either header; empty where there is none, or none that could be one."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    key = given.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    return key if len(key) <= LONGEST_KEY and key.isascii() else "-"


def _count(request: Request, rates: Rates, caller: Caller) -> None:
    left, seconds = rates.take(caller.id)
    request.scope["state"]["headers"] += [
        (b"ratelimit-limit", str(rates.most).encode()),
        (b"ratelimit-remaining", str(max(0, left)).encode()),
        (b"ratelimit-reset", str(seconds).encode()),
    ]
    if left < 0:
        raise _too_many("too-many-requests", f"more than {rates.most:,} requests in a minute", seconds)


def _too_many(code: str, detail: str, seconds: int) -> Refusal:
    return Refusal(429, code, detail, headers={"Retry-After": str(seconds)})

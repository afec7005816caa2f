"""What turns the values of `encrypted` fields into bytes and back: a port, filled in where there is a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from reconciler.database.storable import UnfitValue

HINT = (
    "set RECONCILER_ENCRYPTION_KEYS or RECONCILER_ENCRYPTION_KEYS_FILE; `reconcile keys generate` makes a key"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bytes of a value lie: they open nowhere else.

    `columns` are the names that the table's columns have now. What was sealed under a name that is none of them came
    along when its column was renamed.
    """

    table: str
    column: str
    row: int
    columns: frozenset[str] = frozenset()


class Cipher(Protocol):
    """Both may raise UnfitValue, which never carries a value. Hashable by identity, as what is made for one cipher is
    kept for it."""

    def __hash__(self) -> int: ...

    def encrypt(self, plain: bytes, place: Place) -> bytes: ...

    def decrypt(self, stored: bytes, place: Place) -> bytes: ...


class NoKey:
    """Where no key is configured nothing is written in the clear and nothing is read."""

    def encrypt(self, plain: bytes, place: Place) -> bytes:
        raise UnfitValue("an encrypted field cannot be written without its key", hint=HINT)

    def decrypt(self, stored: bytes, place: Place) -> bytes:
        raise UnfitValue("an encrypted field cannot be read without its key", hint=HINT)


NO_KEY: Cipher = NoKey()

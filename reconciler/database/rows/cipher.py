"""What turns the values of `encrypted` fields into bytes and back: a port, filled in where there is a key."""

from __future__ import annotations

from typing import Protocol

from reconciler.database.storable import UnfitValue


class Cipher(Protocol):
    """`context` is what the bytes belong to (`table.column`): they open nowhere else. Both may raise UnfitValue.

    Hashable by identity, as what is made for one cipher is kept for it.
    """

    def __hash__(self) -> int: ...

    def encrypt(self, plain: bytes, context: str) -> bytes: ...

    def decrypt(self, stored: bytes, context: str) -> bytes: ...


class NoKey:
    """Where no key is configured nothing is written in the clear and nothing is read."""

    def encrypt(self, plain: bytes, context: str) -> bytes:
        raise UnfitValue("an encrypted field cannot be written without its key", hint="leave the field empty")

    def decrypt(self, stored: bytes, context: str) -> bytes:
        raise UnfitValue("an encrypted field cannot be read without its key", hint="leave the field out")


NO_KEY: Cipher = NoKey()

"""Keyring: AES-256-GCM for the values of `encrypted` fields, under keys that have names.

A sealed value says under which key and for which column it was sealed; that, the table and the row's id are bound
into it, so that it opens at its own place alone:

    version (1 byte) | length, key id | length, column | nonce (12) | ciphertext and tag

The keyring seals with its first key and opens with any. What `cryptography` needs is imported when a keyring is made.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.database.rows.cipher import HINT, NO_KEY, Cipher, Place
from reconciler.database.storable import UnfitValue
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
KEYS_VARIABLE = "RECONCILER_ENCRYPTION_KEYS"
KEYS_FILE_VARIABLE = "RECONCILER_ENCRYPTION_KEYS_FILE"

_VERSION = 1
_NONCE = 12
_TAG = 16
_KEY_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")


class Unsealable(UnfitValue):
    """A stored value that cannot be opened here: another key, another place, or other bytes."""

    code = "unsealable"
    http_status = 500


class Keyring:
    """A Cipher. `keys` by id, the one that seals first; each has 32 bytes."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._keys: dict[str, AESGCM] = {name: AESGCM(key) for name, key in keys.items()}
        self.newest = next(iter(keys))

    def __repr__(self) -> str:
        return f"<Keyring {', '.join(self._keys)}>"

    @property
    def names(self) -> tuple[str, ...]:
        """Ids of the keys, the one that seals first."""
        return tuple(self._keys)

    def encrypt(self, plain: bytes, place: Place) -> bytes:
        header = _header(self.newest, place.column)
        nonce = os.urandom(_NONCE)
        sealed = self._keys[self.newest].encrypt(nonce, plain, _bound(header, place))
        return header + nonce + sealed

    def decrypt(self, stored: bytes, place: Place) -> bytes:
        """Raises Unsealable."""
        from cryptography.exceptions import InvalidTag

        key_id, column, start = _parts(stored, place)
        key = self._keys.get(key_id)
        if key is None:
            raise Unsealable(
                f"a value of {place.table}.{place.column} is sealed under the key {key_id!r}, which is not known here",
                hint=f"add {key_id} to {KEYS_VARIABLE}; the keys known here: {', '.join(self._keys)}",
            )
        if column != place.column and column in place.columns:
            raise _moved(place)
        nonce, sealed = stored[start : start + _NONCE], stored[start + _NONCE :]
        try:
            return key.decrypt(nonce, sealed, _bound(stored[:start], place))
        except InvalidTag:
            raise _moved(place) from None

    def resealed(self, stored: bytes, place: Place) -> bytes | None:
        """The value under the newest key and its column's name of now; None where it is so already. Raises
        Unsealable."""
        if stored.startswith(_header(self.newest, place.column)):
            return None
        return self.encrypt(self.decrypt(stored, place), place)

    def sealed_prefix(self, column: str) -> bytes:
        """What every value begins with that `resealed` leaves alone."""
        return _header(self.newest, column)


def key_of(stored: bytes) -> str:
    """The id of the key a value was sealed under; empty where it is no sealed value."""
    try:
        return _parts(stored, Place("", "", 0))[0]
    except Unsealable:
        return ""


def generate(key_id: str) -> str:
    """A new key as it is configured: `id:base64`. Raises UsageError."""
    if not _KEY_ID.fullmatch(key_id):
        raise UsageError(f"{key_id[:40]!r} is no id of a key", hint="such as k1, or 2026-11")
    return f"{key_id}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"


def throwaway() -> Keyring:
    """A keyring whose key nobody will ever have again: for databases that end with their process."""
    return Keyring({"throwaway": os.urandom(KEY_BYTES)})


def cipher_of(keys: str, keys_file: str) -> Cipher:
    """The keyring of `k2:base64,k1:base64` or of a file with one key a line, the newest first; NO_KEY where neither is
    named. Raises UsageError, which never quotes a key."""
    if keys and keys_file:
        raise UsageError(f"both {KEYS_VARIABLE} and {KEYS_FILE_VARIABLE} are set", hint="unset one of them")
    if not keys and not keys_file:
        return NO_KEY
    return Keyring(parse_keys(_read(keys_file) if keys_file else keys, keys_file or KEYS_VARIABLE))


def parse_keys(text: str, source: str) -> dict[str, bytes]:
    """Key by id, in order; `source` is named in errors. Raises UsageError."""
    lines = [line.partition("#")[0] for line in text.splitlines()]
    parts = [part.strip() for line in lines for part in line.split(",") if part.strip()]
    found: dict[str, bytes] = {}
    for number, part in enumerate(parts, 1):
        key_id, colon, encoded = part.partition(":")
        if not colon or not _KEY_ID.fullmatch(key_id):
            raise _bad_key(source, number, "is not written as `id:base64`")
        key = _decoded(encoded.strip())
        if key is None or len(key) != KEY_BYTES:
            raise _bad_key(source, number, f"is not {KEY_BYTES} bytes in base64")
        if key_id in found:
            raise _bad_key(source, number, f"has the id {key_id} of another")
        found[key_id] = key
    if not found:
        raise UsageError(f"{source} holds no key", hint="`reconcile keys generate` makes one")
    return found


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"the keys in {path} cannot be read: {reason}", hint=HINT) from error


def _decoded(encoded: str) -> bytes | None:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None


def _bad_key(source: str, number: int, what: str) -> UsageError:
    return UsageError(
        f"key {number} of {source} {what}", hint="`reconcile keys generate` shows how one is written"
    )


def _header(key_id: str, column: str) -> bytes:
    named = [name.encode() for name in (key_id, column)]
    return bytes([_VERSION]) + b"".join(bytes([len(name)]) + name for name in named)


def _bound(header: bytes, place: Place) -> bytes:
    return b"%b\0%b\0%d" % (header, place.table.encode(), place.row)


def _parts(stored: bytes, place: Place) -> tuple[str, str, int]:
    """Key id, column, and where the nonce begins."""
    names, at = [], 1
    for _ in range(2):
        length = stored[at] if len(stored) > at else 0
        names.append(stored[at + 1 : at + 1 + length].decode("utf-8", "replace"))
        at += 1 + length
    if not stored or stored[0] != _VERSION or not all(names) or len(stored) < at + _NONCE + _TAG:
        raise Unsealable(
            f"a value of {place.table}.{place.column} is not sealed as this program seals",
            hint="it was written by something else, or is damaged",
        )
    return names[0], names[1], at


def _moved(place: Place) -> Unsealable:
    return Unsealable(
        f"a value of {place.table}.{place.column} was not sealed for its row: it was moved there, or altered",
        where=f"{place.table} id {place.row}",
        hint="restore the row from a backup; see who can write to the database",
    )

"""Sealed values open under their key and at their place, and nothing tells what they hold."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from reconciler.database.encryption import (
    Keyring,
    Unsealable,
    cipher_of,
    generate,
    key_of,
    parse_keys,
)
from reconciler.database.rows.cipher import NO_KEY, Place
from reconciler.errors import UsageError

OLD, NEW = b"o" * 32, b"n" * 32
HERE = Place("notes__note", "body", 7, frozenset({"body", "title"}))


def test_what_is_sealed_opens_at_its_place() -> None:
    ring = Keyring({"k1": OLD})
    sealed = ring.encrypt(b"canary", HERE)
    assert ring.decrypt(sealed, HERE) == b"canary"
    assert b"canary" not in sealed
    assert key_of(sealed) == "k1"


def test_the_same_value_is_sealed_differently_each_time() -> None:
    ring = Keyring({"k1": OLD})
    assert ring.encrypt(b"canary", HERE) != ring.encrypt(b"canary", HERE)


ELSEWHERE = [
    Place("notes__note", "body", 8, HERE.columns),
    Place("notes__other", "body", 7, HERE.columns),
    Place("notes__note", "title", 7, HERE.columns),
]


@pytest.mark.parametrize("place", ELSEWHERE)
def test_what_was_moved_to_another_place_does_not_open(place: Place) -> None:
    ring = Keyring({"k1": OLD})
    sealed = ring.encrypt(b"canary", HERE)
    with pytest.raises(Unsealable, match="was not sealed for its row") as caught:
        ring.decrypt(sealed, place)
    assert "canary" not in str(caught.value)


def test_a_value_of_a_column_that_was_renamed_opens_under_the_new_name() -> None:
    ring = Keyring({"k1": OLD})
    sealed = ring.encrypt(b"canary", HERE)
    assert ring.decrypt(sealed, Place("notes__note", "text", 7, frozenset({"text", "title"}))) == b"canary"


def test_every_altered_byte_is_noticed() -> None:
    ring = Keyring({"k1": OLD})
    sealed = ring.encrypt(b"canary", HERE)
    for at in range(len(sealed)):
        altered = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(Unsealable):
            ring.decrypt(altered, HERE)
        with pytest.raises(Unsealable):
            ring.decrypt(sealed[:at], HERE)


def test_a_key_that_is_not_known_is_named() -> None:
    sealed = Keyring({"k1": OLD}).encrypt(b"canary", HERE)
    with pytest.raises(Unsealable, match="under the key 'k1', which is not known here") as caught:
        Keyring({"k2": NEW}).decrypt(sealed, HERE)
    assert "k2" in caught.value.hint


def test_another_key_under_the_same_name_opens_nothing() -> None:
    sealed = Keyring({"k1": OLD}).encrypt(b"canary", HERE)
    with pytest.raises(Unsealable):
        Keyring({"k1": NEW}).decrypt(sealed, HERE)


def test_the_first_key_seals_and_all_open() -> None:
    sealed = Keyring({"k1": OLD}).encrypt(b"canary", HERE)
    both = Keyring({"k2": NEW, "k1": OLD})
    renewed = both.resealed(sealed, HERE)
    assert renewed is not None
    assert key_of(renewed) == "k2"
    assert both.decrypt(renewed, HERE) == both.decrypt(sealed, HERE) == b"canary"
    assert both.resealed(renewed, HERE) is None


def test_keys_are_configured_newest_first_by_variable_or_file(tmp_path: Path) -> None:
    two, one = generate("k2"), generate("k1")
    assert [*parse_keys(f"{two},{one}", "here")] == ["k2", "k1"]
    file = tmp_path / "keys"
    file.write_text(f"# the newest first\n{two}\n\n{one}\n")
    ring = cipher_of("", str(file))
    assert isinstance(ring, Keyring)
    assert ring.names == ("k2", "k1")
    assert cipher_of("", "") is NO_KEY


BAD_KEYS = [
    ("k1", "not written as `id:base64`"),
    ("K1:AAAA", "not written as `id:base64`"),
    ("k1:AAAA", "not 32 bytes"),
    ("k1:canary!", "not 32 bytes"),
    (f"k1:{base64.b64encode(OLD).decode()},k1:{base64.b64encode(NEW).decode()}", "has the id k1 of another"),
    (" , ", "holds no key"),
]


@pytest.mark.parametrize(("text", "said"), BAD_KEYS)
def test_keys_that_make_no_sense_are_refused_and_not_quoted(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        cipher_of(text, "")
    assert "canary" not in str(caught.value)
    assert base64.b64encode(OLD).decode() not in str(caught.value)


def test_a_file_of_keys_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        cipher_of("", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="both"):
        cipher_of("k1:x", str(tmp_path / "none"))


def test_a_keyring_shows_no_key() -> None:
    assert repr(Keyring({"k2": NEW, "k1": OLD})) == "<Keyring k2, k1>"

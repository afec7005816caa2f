"""Finding a key: what is done for a wrong one is what is done for a right one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from reconciler.database import api_keys
from reconciler.database.api_keys import Role, create_key, find_key
from reconciler.database.connection import Connection, connect
from reconciler.database.upgrade import ensure_catalog

PEPPER = b"pepper"


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    with connect(f"sqlite:///{tmp_path / 'keys.db'}") as opened:
        ensure_catalog(opened)
        yield opened


def _lines(connection: Connection, text: str) -> list[tuple[str, int]]:
    """The lines of the module that ran to look this text up, in order."""
    ran: list[tuple[str, int]] = []

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        if frame.f_code.co_filename != api_keys.__file__:
            return None
        if event == "line":
            ran.append((frame.f_code.co_name, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        assert find_key(connection, text, pepper=PEPPER) is None
    finally:
        sys.settrace(before)
    return ran


def test_how_near_a_wrong_key_is_to_a_right_one_changes_nothing_in_what_is_done(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, key = create_key(connection, "mine", Role.VIEWER, pepper=PEPPER, created_by="tests")
    _, identity, secret = right.split("_", 2)
    assert find_key(connection, right, pepper=PEPPER) == key
    compared: list[tuple[int, int]] = []

    def compare(one: str, other: str) -> bool:
        compared.append((len(one), len(other)))
        return one == other

    monkeypatch.setattr("hmac.compare_digest", compare)
    wrong = [
        f"rk_{identity}_{secret[::-1]}x",
        f"rk_{identity}_{secret[:20]}",
        f"rk_{identity}_{secret}x",
        f"rk_{'0' * 12}_{secret}",
        f"xx_{identity}_{secret}",
        f"rk_{identity}",
        "",
    ]
    ways = [_lines(connection, text) for text in wrong]
    assert ways[0]
    assert all(way == ways[0] for way in ways)
    assert compared == [(64, 64)] * len(wrong), "whole hashes, by a comparison of constant time"

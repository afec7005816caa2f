"""Mail addresses and patterns of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.spec.recipients import parse_recipient


@pytest.mark.parametrize(
    ("pattern", "address", "expected"),
    [
        ("a@example.com", "A@EXAMPLE.com", True),
        ("*@example.com", "a@example.com", True),
        ("@example.com", "a@example.com", True),
        ("*", "a@example.com", True),
        ("*@example.com", "@example.com", True),
        ("*", "*@example.com", True),
        ("a@example.com", "b@example.com", False),
        ("a@example.com", "a@example.org", False),
        ("*@example.com", "a@mail.example.com", False),
        ("*@example.com", "a@badexample.com", False),
        ("a@example.com", "*@example.com", False),
        ("*@example.com", "*", False),
    ],
)
def test_a_pattern_covers_the_addresses_it_means(pattern: str, address: str, expected: bool) -> None:
    allowed, asked = parse_recipient(pattern), parse_recipient(address)
    assert allowed is not None
    assert asked is not None
    assert allowed.covers(asked) is expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a@",
        "a@b@c",
        "a b@c.d",
        ".a@c.d",
        "a.@c.d",
        "a..b@c.d",
        "a*@c.d",
        "a@*.d",
        "a\r\nBcc: x@c.d",
        "x" * 65 + "@c.d",
        "A <a@c.d>",
        "{{ x }}",
    ],
)
def test_what_is_no_address_is_no_pattern(text: str) -> None:
    assert parse_recipient(text) is None


@given(st.text(max_size=30))
def test_no_text_makes_parsing_fail(text: str) -> None:
    recipient = parse_recipient(text)
    assert recipient is None or recipient.covers(recipient)

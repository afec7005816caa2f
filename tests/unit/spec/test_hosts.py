"""Hosts, recipients and version constraints: the small notations of grants, policies and agents."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.spec.hosts import parse_host

COVERED = [
    ("example.com", "EXAMPLE.com."),
    ("*.example.com", "a.example.com"),
    ("*.example.com", "a.b.example.com"),
    ("*.example.com", "*.example.com"),
    ("*.example.com", "*.a.example.com"),
    ("bücher.example", "xn--bcher-kva.example"),
    ("example.com", "example.com:443"),
    ("example.com:443", "example.com:443"),
    ("10.0.0.1", "10.0.0.1"),
    ("[2001:db8:0::1]:443", "[2001:db8::1]:443"),
    ("*", "anything.example"),
    ("*", "*.example.com"),
]
NOT_COVERED = [
    ("example.com", "a.example.com"),
    ("*.example.com", "example.com"),
    ("*.example.com", "badexample.com"),
    ("a.example.com", "*.example.com"),
    ("*.a.example.com", "*.example.com"),
    ("example.com:443", "example.com"),
    ("example.com:443", "example.com:80"),
    ("*.example.com", "*"),
]
NO_HOSTS = [
    "",
    "*.",
    "*.*.com",
    "a.*.com",
    "*a.com",
    "http://a.com",
    "a.com/",
    "a b.com",
    "-a.com",
    "a..com",
    "a.com:0",
    "a.com:x",
    "a.com:",
    "a.com:65536",
    "2130706433",
    "0x7f.1",
    "127.1",
    "*.10.0.0.1",
    "a" * 64 + ".com",
    "user@a.com",
    "[::1",
    "[::1]x",
    "[::1]:x",
    "{{ x }}",
]


@pytest.mark.parametrize(("pattern", "host"), COVERED)
def test_a_pattern_covers(pattern: str, host: str) -> None:
    allowed, asked = parse_host(pattern), parse_host(host)
    assert allowed is not None
    assert asked is not None
    assert allowed.covers(asked)


@pytest.mark.parametrize(("pattern", "host"), NOT_COVERED)
def test_a_pattern_does_not_cover(pattern: str, host: str) -> None:
    allowed, asked = parse_host(pattern), parse_host(host)
    assert allowed is not None
    assert asked is not None
    assert not allowed.covers(asked)


@pytest.mark.parametrize("text", NO_HOSTS)
def test_what_is_no_host_is_no_pattern(text: str) -> None:
    assert parse_host(text) is None


LABELS = st.lists(st.sampled_from(["a", "b", "com"]), min_size=1, max_size=3).map(".".join)
PATTERNS = st.builds(
    lambda star, name, port: star + name + port,
    st.sampled_from(["", "*."]),
    LABELS,
    st.sampled_from(["", ":80", ":443"]),
)


@given(PATTERNS, PATTERNS, PATTERNS)
def test_covering_is_reflexive_and_transitive(one: str, two: str, three: str) -> None:
    a, b, c = parse_host(one), parse_host(two), parse_host(three)
    assert a
    assert b
    assert c
    assert a.covers(a)
    if a.covers(b) and b.covers(c):
        assert a.covers(c)


@given(st.text(max_size=30))
def test_no_text_makes_parsing_fail(text: str) -> None:
    pattern = parse_host(text)
    assert pattern is None or pattern.covers(pattern)

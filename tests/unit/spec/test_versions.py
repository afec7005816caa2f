"""Version constraints."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.spec.versions import satisfies

MEANINGS = [
    ("^1", "1.0.0 1.9.9", "0.9.9 2.0.0"),
    ("^1.2", "1.2.0 1.9.0", "1.1.9 2.2.0"),
    ("^1.2.3", "1.2.3 1.2.10 1.3.0", "1.2.2 2.2.3"),
    ("^0.2.3", "0.2.3 0.2.4", "0.2.2 0.3.0 1.2.3"),
    ("^0.0.3", "0.0.3", "0.0.2 0.0.4 0.1.0"),
    ("^0", "0.0.0 0.9.9", "1.0.0"),
    ("^0.0", "0.0.0 0.0.9", "0.1.0"),
    ("~1", "1.0.0 1.9.0", "2.0.0 0.9.0"),
    ("~1.2", "1.2.0 1.2.9", "1.3.0 1.1.9"),
    ("~1.2.3", "1.2.3 1.2.9", "1.2.2 1.3.0"),
    ("=1.2.3", "1.2.3", "1.2.4 1.2.2"),
    ("1.2.3", "1.2.3", "1.2.4"),
    ("1.2", "1.2.0 1.2.7", "1.3.0 1.1.0"),
    ("1", "1.0.0 1.7.3", "2.0.0 0.1.0"),
]


@pytest.mark.parametrize(("constraint", "allowed", "refused"), MEANINGS)
def test_a_constraint_allows_what_it_means(constraint: str, allowed: str, refused: str) -> None:
    assert [v for v in allowed.split() if not satisfies(v, constraint)] == []
    assert [v for v in refused.split() if satisfies(v, constraint)] == []


VERSIONS = st.tuples(*[st.integers(0, 12)] * 3).map(lambda parts: ".".join(map(str, parts)))


@given(VERSIONS, st.sampled_from(["^", "~", "=", ""]))
def test_every_version_satisfies_the_constraint_made_of_it(version: str, sign: str) -> None:
    assert satisfies(version, sign + version)

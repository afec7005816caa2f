"""Decimals in the one form in which they are stored."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.spec.exact import exact

DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30)


@given(value=DECIMALS, scale=st.integers(0, 12))
def test_a_decimal_is_rounded_to_the_nearest_of_its_scale(value: Decimal, scale: int) -> None:
    found = exact(value, scale)
    assert -int(found.as_tuple().exponent) == scale
    assert abs(Fraction(found) - Fraction(value)) <= Fraction(1, 2 * 10**scale)
    assert exact(found, scale) == found
    assert found or not found.is_signed()


@pytest.mark.parametrize(
    ("value", "scale", "text"),
    [
        ("0.5", 0, "0"),
        ("1.5", 0, "2"),
        (2.675, 2, "2.68"),
        ("-0.0", 1, "0.0"),
        ("-0.04", 1, "0.0"),
        ("1e3", 2, "1000.00"),
        (7, 3, "7.000"),
        (10**37, 1, f"1{'0' * 37}.0"),
    ],
)
def test_a_number_has_one_form(value: Any, scale: int, text: str) -> None:
    assert format(exact(value, scale), "f") == text


def test_the_context_of_the_caller_does_not_matter() -> None:
    with localcontext(prec=3):
        assert exact("123456.789", 2) == Decimal("123456.79")


@pytest.mark.parametrize(
    ("value", "precision"),
    [("100", 4), ("99.995", 4), ("x", 4), ("NaN", 4), ("Infinity", 4), (True, 4), (None, 4), ("1e99", None)],
)
def test_what_does_not_fit_is_refused(value: Any, precision: int | None) -> None:
    with pytest.raises(ValueError, match="not a decimal"):
        exact(value, 2, precision)
    assert exact("99.99", 2, 4) == Decimal("99.99")

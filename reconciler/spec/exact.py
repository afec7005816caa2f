"""Decimals as they are stored: of the column's own scale, with one way to write each number."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

UNBOUNDED = 60
"""Digits that are always enough: a decimal field has 38 at most."""


def exact(value: object, scale: int, precision: int | None = None) -> Decimal:
    """The value with `scale` digits after the point, rounded half to even; zero has no sign.

    Raises ValueError for what is no finite number, or needs more than `precision` digits in all. A float
    counts as the number it is written as: 2.675 is not 2.67499….
    """
    context = Context(prec=precision or UNBOUNDED, rounding=ROUND_HALF_EVEN)
    try:
        number = Decimal(str(value)).quantize(Decimal(1).scaleb(-scale), context=context)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        limit = f" of at most {precision} digits, {scale} of them after the point" if precision else ""
        raise ValueError(f"not a decimal{limit}")
    return number if number else number.copy_abs()

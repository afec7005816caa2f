"""Version constraints: which versions of a type an agent accepts."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def satisfies(version: str, constraint: str) -> bool:
    """Whether `1.4.0` is among the versions that `^1.2`, `~1.4`, `=1.4.0` or `1` mean. Both are well formed.

    `^` keeps the first number that is not zero, `~` the minor number. Without a sign, or with `=`, the
    numbers given must be the same and the others are free.
    """
    sign = constraint[0] if constraint[0] in "^~=" else "="
    given = tuple(int(part) for part in constraint.lstrip("^~=").split("."))
    actual = tuple(int(part) for part in version.split("."))
    kept = {"^": _caret_width, "~": lambda parts: min(2, len(parts)), "=": len}[sign](given)
    return actual[:kept] == given[:kept] and actual >= given


def _caret_width(given: tuple[int, ...]) -> int:
    """How many leading numbers must stay: up to the first that is not zero, or all that are given."""
    return next((index for index, part in enumerate(given, start=1) if part), len(given))

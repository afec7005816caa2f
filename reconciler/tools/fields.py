"""Field specs inside a tool's parameters, such as the `output` of a language model."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reconciler.spec.fields import Fields


@cache
def _adapter() -> TypeAdapter[Fields]:
    return TypeAdapter(Fields)


_KEPT = 256
_kept: dict[int, tuple[Any, Fields | None]] = {}
"""Values and what they mean, by identity: the parameters of a call are the same object from call to call."""


def declared_fields(value: Any) -> Fields | None:
    """The field specs a parameter's value means; None where it is none or a broken one.

    The same value gives the same object, so that `validator_of` finds the validator it has compiled for it.
    """
    if not isinstance(value, dict) or not value:
        return None
    known, fields = _kept.get(id(value), (None, None))
    if known is not value:
        try:
            fields = _adapter().validate_python(value)
        except ValidationError:
            fields = None
        if len(_kept) >= _KEPT:
            _kept.clear()
        _kept[id(value)] = (value, fields)
    return fields

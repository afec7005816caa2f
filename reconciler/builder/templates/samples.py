"""Values that fit a field and look like something: for generated tests and previews."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NUMBERISH = ("number", "no", "nr", "id", "code", "reference", "key", "sku", "iban")


def is_code(name: str) -> bool:
    """Whether a field holds a number or code by which something is known."""
    return name.rpartition("_")[2] in _NUMBERISH


def sample_of(name: str, spec: Mapping[str, Any], number: int = 1) -> Any:
    """A value for a field as a manifest describes it; another for each number from 1 on, as far as there are."""
    match spec["type"]:
        case "integer":
            return _within(spec, number + 1)
        case "number":
            return _within(spec, number + 0.5)
        case "decimal":
            return _decimal(spec, number)
        case "boolean":
            return True
        case "date":
            return f"2026-01-{(number - 1) % 28 + 1:02}"
        case "datetime":
            return f"2026-01-{(number - 1) % 28 + 1:02}T08:00:00Z"
        case "uuid":
            return f"00000000-0000-4000-8000-{number:012}"
        case "enum":
            return spec["values"][(number - 1) % len(spec["values"])]
        case "json":
            return {"example": number}
        case "list":
            items = spec.get("items") or "string"
            return [sample_of(name, {"type": items} if isinstance(items, str) else items, number)]
        case _:
            return _text(name, spec, number)


def _text(name: str, spec: Mapping[str, Any], number: int) -> str:
    match spec.get("format"):
        case "email":
            return f"person{number}@example.com"
        case "uri":
            return f"https://example.com/{number}"
        case "hostname":
            return f"host{number}.example.com"
        case "ipv4":
            return f"192.0.2.{number}"
        case "slug":
            return f"example-{number}"
    text = f"A-{1000 + number}" if is_code(name) else f"Example {name.replace('_', ' ')} {number}"
    return text[: spec.get("max_length") or 200]


def _within(spec: Mapping[str, Any], wanted: float) -> Any:
    least, most = spec.get("min"), spec.get("max")
    if most is not None and wanted > most:
        return most
    return least if least is not None and wanted < least else wanted


def _decimal(spec: Mapping[str, Any], number: int) -> str:
    scale = spec.get("scale", 2)
    whole = _within(spec, 120 + number)
    return f"{whole}.{'5'.ljust(scale, '0')}" if scale and whole == 120 + number else str(whole)

"""What validation found wrong with a document, as findings in the words of the manifest language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from reconciler.spec.agent_type import SEMVER
from reconciler.spec.base import FIELD_NAME, NAME_LENGTH, TYPE_NAME
from reconciler.spec.findings import Finding, Path, did_you_mean

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "list_type": "a list",
}
"""Pydantic's complaints about a value's type, and what it should have been."""

_BOUNDS = {
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "string_too_long": "at most {max_length} characters long",
    "string_too_short": "at least {min_length} characters long",
    "too_long": "at most {max_length} entries long",
    "too_short": "at least {min_length} entries long",
}
_BUILT_IN = frozenset(get_args(ErrorType))
_WRAPPERS = (Annotated, Union, UnionType)
_PATTERNS = {
    TYPE_NAME: (
        "bad-name",
        "a name consists of small letters, digits and single dashes, and begins with a letter",
    ),
    FIELD_NAME: (
        "bad-name",
        "a name consists of small letters, digits and single underscores, and begins with a letter",
    ),
    SEMVER: ("bad-value", "a version has three numbers"),
}


MOST_FINDINGS = 100
"""Findings told of one document."""


def findings_of(error: ValidationError, value: dict[str, Any], model: type[BaseModel]) -> list[Finding]:
    """One finding for each place of `value`, which `model` refused: branches of a union are told as one.

    Ends with one more than MOST_FINDINGS: nobody reads them all, and hints cost time.
    """
    findings: dict[tuple[Path, str], Finding] = {}
    expected: dict[Path, list[str]] = {}
    for details in error.errors(include_url=False, include_input=False):
        path, at_key = _path_of(value, details)
        if details["type"] in _EXPECTED:
            expected.setdefault(path, []).append(_EXPECTED[details["type"]])
            finding = _wrong_type(path, _value_at(value, path), expected[path])
        else:
            finding = _finding(details, path, at_key, value, model)
        findings[path, finding.code] = finding
        if len(findings) > MOST_FINDINGS:
            break
    return list(findings.values())


def _path_of(value: Any, details: ErrorDetails) -> tuple[Path, bool]:
    """The path within the document, and whether it is the key that is wrong.

    Pydantic's own also names branches of unions and parts of what a shorthand stands for: those lead nowhere.
    """
    location = details["loc"]
    path: list[str | int] = []
    for part in location:
        if _holds(value, part):
            value = value[part]
        elif details["type"] != "missing" or part is not location[-1]:
            continue
        path.append(part)
    return tuple(path), location[-1:] == ("[key]",) or details["type"] == "extra_forbidden"


def _wrong_type(path: Path, value: Any, expected: list[str]) -> Finding:
    wanted = " or ".join(dict.fromkeys(expected))
    key = f"`{path[-1]}`" if path and isinstance(path[-1], str) else "this"
    if value is None:
        return Finding(
            "wrong-type", f"{key} has no value; it should be {wanted}", path, "give it one or remove it"
        )
    hint = ""
    if expected == ["text"] and not isinstance(value, (dict, list)):
        hint = "put it in quotes"
    elif (
        isinstance(value, str) and value.lower() in ("yes", "no", "on", "off") and "true or false" in expected
    ):
        hint = "write `true` or `false`"
    elif expected == ["a list"]:
        hint = "write `[…]`, or one entry a line after `- `"
    return Finding("wrong-type", f"{key} should be {wanted}, not {_kind_of(value)}", path, hint)


def _finding(details: ErrorDetails, path: Path, at_key: bool, value: Any, model: type[BaseModel]) -> Finding:
    kind, context = details["type"], details.get("ctx", {})
    here = path[-1] if at_key and path else _value_at(value, path)
    if kind == "missing":
        return Finding("missing-key", f"`{path[-1]}` is missing", path)
    if kind == "extra_forbidden":
        return Finding(
            "unknown-key", f"unknown key `{_short(path[-1])}`", path, _key_hint(model, path), at_key=True
        )
    if kind in ("enum", "literal_error"):
        allowed = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        return _not_one_of(path, here, allowed)
    if kind == "string_pattern_mismatch":
        return _wrong_form(path, at_key, here, str(context.get("pattern", "")))
    if kind in _BOUNDS:
        is_name = kind == "string_too_long" and context.get("max_length") == NAME_LENGTH
        message = f"this should be {_BOUNDS[kind].format_map(context)}"
        return Finding("bad-name" if is_name else "bad-value", message, path, at_key=at_key)
    if kind in _BUILT_IN:
        return Finding("bad-value", details["msg"], path, at_key=at_key)
    return Finding(kind.replace("_", "-"), details["msg"], path, at_key=at_key)


def _not_one_of(path: Path, value: Any, allowed: list[str]) -> Finding:
    if path == ("apiVersion",):
        hint = f"this program reads `{allowed[0]}`"
        return Finding("unknown-api-version", "not a version of the manifest language", path, hint)
    hint = did_you_mean(value, allowed) if isinstance(value, str) else ""
    return Finding("bad-value", f"`{_short(value)}` is not one of {', '.join(allowed)}", path, hint)


def _wrong_form(path: Path, at_key: bool, value: Any, pattern: str) -> Finding:
    # What is written in place of an expected form may be a secret: only names are repeated.
    code, message = _PATTERNS.get(pattern, ("bad-value", "this does not have the expected form"))
    hint = "write it as in `1.2.0`" if pattern == SEMVER else ""
    if code == "bad-name" and isinstance(value, str):
        message = f"`{_short(value)}` is not a name; {message}"
        dash = "-" if pattern == TYPE_NAME else "_"
        better = (
            re.sub("[^a-z0-9]+", dash, value[:NAME_LENGTH].lower()).strip(dash).lstrip("0123456789" + dash)
        )
        hint = f"for example `{better}`" if better else ""
    return Finding(code, message, path, hint, at_key=at_key)


def _key_hint(model: type[BaseModel], path: Path) -> str:
    """The key that was meant, or the section in which this one is known."""
    key = str(path[-1])
    known = _keys_at(model, path[:-1])
    hint = did_you_mean(key, known)
    if not hint.startswith("did you mean"):
        for section in ("metadata", "spec"):
            if path[:-1] != (section,) and key in _keys_at(model, (section,)):
                return f"`{key}` belongs under `{section}`"
    return hint


def _keys_at(model: type[BaseModel], path: Path) -> list[str]:
    annotations: list[Any] = [model]
    for part in path:
        annotations = [inner for annotation in annotations for inner in _inside(annotation, part)]
    models = (found for annotation in annotations for found in _models(annotation))
    return [field.alias or name for found in models for name, field in found.model_fields.items()]


def _inside(annotation: Any, part: str | int) -> Iterator[Any]:
    """What an annotation says about the value at a key or index."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is dict:
        yield arguments[1]
    elif origin is list:
        yield arguments[0]
    elif origin in _WRAPPERS:
        for argument in arguments:
            yield from _inside(argument, part)
    else:
        for model in _models(annotation):
            for name, field in model.model_fields.items():
                if (field.alias or name) == part:
                    yield field.annotation


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and not get_args(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in _WRAPPERS:
        for argument in get_args(annotation):
            yield from _models(argument)


def _value_at(value: Any, path: Path) -> Any:
    for part in path:
        if _holds(value, part):
            value = value[part]
    return value


def _holds(value: Any, part: str | int) -> bool:
    """Whether `value[part]` is there."""
    if isinstance(value, dict):
        return part in value
    return isinstance(value, list) and isinstance(part, int) and part < len(value)


def _kind_of(value: Any) -> str:
    kinds = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", int: "a whole number"}
    return kinds.get(type(value), "a number with a point")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:60]}…"

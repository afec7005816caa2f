"""What a task is given on the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from reconciler.errors import UsageError


def task_input(given: str) -> dict[str, Any]:
    """An object from `{...}`, `@file` or `-` for standard input. Raises UsageError."""
    place, text = "--input", given
    try:
        if given == "-":
            place, text = "standard input", sys.stdin.read()
        elif given.startswith("@"):
            place = given[1:]
            text = Path(place).read_text(encoding="utf-8")
    except OSError as error:
        hint = "name a file that holds a JSON object, or write the object itself"
        raise UsageError(f"{place} cannot be read: {error.strerror}", hint=hint) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{place} is no UTF-8 text") from error
    hint = """write an object, such as --input '{"text": "hello"}'"""
    try:
        values = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{place} is no JSON: {error}", hint=hint) from error
    if not isinstance(values, dict):
        raise UsageError(f"{place} is no JSON object", hint=hint)
    return values


def task_settings(texts: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE: a value that reads as JSON is that (`3`, `true`, `"3"`), any other is the text itself."""
    settings: dict[str, Any] = {}
    for text in texts:
        name, given, value = text.partition("=")
        if not given or not name:
            raise click.UsageError(f"--set {text!r} is not NAME=VALUE")
        try:
            settings[name] = json.loads(value)
        except ValueError:
            settings[name] = value
    return settings

"""The corpus of hostile manifests in `tests/cases/hostile`: each is one edit of the example of the language."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

CASES = Path(__file__).parents[2] / "cases"
FOLDER = CASES / "hostile"


@dataclass(frozen=True)
class Hostile:
    """`finds` is code and pointer of an error that `text`, a document in JSON, is answered with."""

    says: str
    text: str
    finds: str


@cache
def corpus() -> tuple[Hostile, ...]:
    return (*_names(), *_values())


def _names() -> Iterator[Hostile]:
    found = yaml.safe_load((FOLDER / "names.yaml").read_text())
    for place in found["places"]:
        for number, text in enumerate(found["texts"]):
            document = _example()
            if "key" in place:
                _at(document, place["key"])[text] = place["with"]
                finds = f"{place['finds']}/{text.replace('~', '~0').replace('/', '~1')}"
            else:
                *way, last = place["at"].split("/")[1:]
                holder = _at(document, "/".join(["", *way]))
                holder[int(last) if isinstance(holder, list) else last] = text
                finds = place["finds"]
            yield Hostile(f"{place['put']} {number}", json.dumps(document), finds)


def _values() -> Iterator[Hostile]:
    for case in yaml.safe_load((FOLDER / "values.yaml").read_text()):
        document = _example()
        for pointer, value in case["set"].items():
            *way, last = pointer.split("/")[1:]
            holder = _at(document, "/".join(["", *way]))
            holder[int(last) if isinstance(holder, list) else last] = _meant(value)
        yield Hostile(case["says"], json.dumps(document), case.get("finds", ""))


def _example() -> dict[str, Any]:
    return copy.deepcopy(_read())


@cache
def _read() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CASES / "check_type" / "email_analysis.yaml").read_text())
    return found


def _at(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def _meant(value: Any) -> Any:
    """`{repeat: [head, before, middle, behind, tail], times: N}` is a text that would be long to write."""
    if isinstance(value, dict) and "repeat" in value:
        head, before, middle, behind, tail = value["repeat"]
        return f"{head}{before * value['times']}{middle}{behind * value['times']}{tail}"
    return [_meant(item) for item in value] if isinstance(value, list) else value

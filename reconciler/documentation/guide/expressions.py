"""Expressions in `{{ }}`: names, operators, filters and tests, from the tables by which they are evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.documentation.markdown import code, table
from reconciler.expressions.filters import FILTERS, FilterSpec
from reconciler.expressions.grammar import POWERS
from reconciler.expressions.predicates import PREDICATES, Predicate

_NAMES = (
    ("input.FIELD", "a field of the task's input"),
    ("settings.NAME", "a setting of the agent"),
    ("steps.ID.FIELD", "a field of what an earlier step gave"),
    ("item", "the item of a loop, or what `as` calls it"),
)


def expression_lines() -> Iterator[str]:
    yield from ("## Expressions", "")
    yield "Texts may hold `{{ ... }}`. A text that is one expression keeps the value's type. What a name leads to is"
    yield "checked when the manifest is read."
    yield ""
    yield from table(("Name", "What it is"), [(code(name), meaning) for name, meaning in _NAMES])
    yield f"Operators: {', '.join(code(operator) for operator in POWERS)}."
    yield ""
    yield from ("### Filters", "")
    filters = [(code(_call(name, spec)), _kinds(spec), spec.gives) for name, spec in FILTERS.items()]
    yield from table(("Filter", "Takes", "Gives"), filters)
    yield from ("### Tests", "")
    tests = [
        (code(f"is {name}" + (" VALUE" if spec.argument else "")), _kinds(spec))
        for name, spec in PREDICATES.items()
    ]
    yield from table(("Test", "Asked of"), tests)


def expression_data() -> dict[str, Any]:
    return {
        "names": [name for name, _ in _NAMES],
        "operators": list(POWERS),
        "filters": {
            name: {
                "parameters": dict(spec.parameters),
                "required": list(spec.required),
                "takes": sorted(spec.takes),
                "gives": spec.gives,
            }
            for name, spec in FILTERS.items()
        },
        "tests": {name: {"argument": spec.argument} for name, spec in PREDICATES.items()},
    }


def _call(name: str, spec: FilterSpec) -> str:
    parameters = [p if p in spec.required else f"{p}=..." for p in spec.parameters]
    return f"{name}({', '.join(parameters)})" if parameters else name


def _kinds(spec: FilterSpec | Predicate) -> str:
    return ", ".join(sorted(spec.takes)) if len(spec.takes) < 6 else "any value"

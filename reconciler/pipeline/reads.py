"""Which fields of each step's result the expressions of a pipeline read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from reconciler.expressions.template import Template, parse_condition, walk
from reconciler.spec.steps import Step, flat


def fields_read(pipeline: Iterable[Step]) -> Mapping[str, frozenset[str]]:
    """By id of the step; `steps.extract.urgency` reads `urgency` of `extract`."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for step in flat(pipeline):
        for template in _templates(step):
            for reference in template.references:
                match reference.path:
                    case ("steps", str(name), str(field), *_):
                        found[name].add(field)
    return {name: frozenset(fields) for name, fields in found.items()}


def _templates(step: Step) -> Iterator[Template]:
    for condition in (step.when, step.for_each):
        if isinstance(condition, str):
            yield parse_condition(condition)
    values = (step.with_, step.input, step.for_each if isinstance(step.for_each, list) else [])
    for value in (*values, step.fallback.with_ if step.fallback else {}):
        for _, template in walk(value):
            yield template

"""What the expressions of a pipeline read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.expressions.template import Template, parse_condition, walk
from reconciler.spec.steps import Step, flat


@dataclass(frozen=True, slots=True)
class Reads:
    """`names` are the first words of what is read (`input`, `task`); `fields` those of each step's result, by the
    step's id: `steps.extract.urgency` reads `urgency` of `extract`."""

    names: frozenset[str]
    fields: Mapping[str, frozenset[str]]


def reads_of(pipeline: Iterable[Step]) -> Reads:
    names: set[str] = set()
    fields: defaultdict[str, set[str]] = defaultdict(set)
    for step in flat(pipeline):
        for template in _templates(step):
            for reference in template.references:
                names.add(str(reference.path[0]))
                match reference.path:
                    case ("steps", str(name), str(field), *_):
                        fields[name].add(field)
    return Reads(frozenset(names), {name: frozenset(found) for name, found in fields.items()})


def _templates(step: Step) -> Iterator[Template]:
    for condition in (step.when, step.for_each):
        if isinstance(condition, str):
            yield parse_condition(condition)
    values = (step.with_, step.input, step.for_each if isinstance(step.for_each, list) else [])
    for value in (*values, step.fallback.with_ if step.fallback else {}):
        for _, template in walk(value):
            yield template

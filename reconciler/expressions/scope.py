"""Is every name of a template declared, does every operator fit? Asked at plan time, without values.

A check never guesses: what is of shape "any" may be anything, and only what cannot work is an error. That a
value may be none where none does not work is a warning, unless the expression itself tests it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.expressions.names import Names, ScopeFinding
from reconciler.expressions.shapes import TEXT, Shape, shape_of_field, shape_of_fields
from reconciler.expressions.shaping import Shaper
from reconciler.expressions.syntax import Path
from reconciler.expressions.template import Template

__all__ = [
    "Examined",
    "ScopeFinding",
    "Shape",
    "check",
    "examine",
    "infer",
    "shape_of_field",
    "shape_of_fields",
]


@dataclass(frozen=True, slots=True)
class Examined:
    """`shape` is what evaluating a template will give, "any" where that cannot be told; `findings` is all
    that is wrong with it, in the order of the text.
    """

    shape: Shape
    findings: tuple[ScopeFinding, ...]


def examine(template: Template, scope: Mapping[str, Shape]) -> Examined:
    """What can be said of a template where these names are known."""
    names = Names(template, scope)
    first = template.parts[0] if template.is_expression else None
    if isinstance(first, Path):  # as most are
        shape = names.path(first)
    else:
        shaper = Shaper(names)
        shapes = [shaper.shape(part) for part in template.parts if not isinstance(part, str)]
        shape = shapes[0] if template.is_expression else TEXT
    found = names.findings
    if found:
        found = sorted(dict.fromkeys(found), key=lambda finding: finding.offset)
    return Examined(shape, tuple(found))


def check(template: Template, scope: Mapping[str, Shape]) -> list[ScopeFinding]:
    """The findings alone."""
    return list(examine(template, scope).findings)


def infer(template: Template, scope: Mapping[str, Shape]) -> Shape:
    """The shape alone."""
    return examine(template, scope).shape

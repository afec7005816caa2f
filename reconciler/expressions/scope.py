"""Is every name of a template declared, does every operator fit? Asked at plan time, without values.

A check never guesses: what is of shape "any" may be anything, and only what cannot work is an error. That a
value may be none where none does not work is a warning, unless the expression itself tests it.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.expressions.names import Names, ScopeFinding
from reconciler.expressions.shapes import TEXT, Shape, shape_of_field, shape_of_fields
from reconciler.expressions.shaping import Shaper
from reconciler.expressions.template import Template

__all__ = ["ScopeFinding", "Shape", "check", "infer", "shape_of_field", "shape_of_fields"]


def check(template: Template, scope: Mapping[str, Shape]) -> list[ScopeFinding]:
    """Everything wrong with a template where these names are known, in the order of the text."""
    names = Names(template, scope)
    shaper = Shaper(names)
    for part in template.parts:
        if not isinstance(part, str):
            shaper.shape(part)
    return sorted(dict.fromkeys(names.findings), key=lambda finding: finding.offset)


def infer(template: Template, scope: Mapping[str, Shape]) -> Shape:
    """What evaluating the template will give; "any" where that cannot be told."""
    part = template.parts[0] if template.is_expression else ""
    return TEXT if isinstance(part, str) else Shaper(Names(template, scope)).shape(part)

"""Does a declaration make sense? Asked once, when a tool is registered."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import ValidationError

from reconciler.spec.base import FIELD_NAME
from reconciler.spec.fields import FieldType
from reconciler.spec.literals import check_literal
from reconciler.tools.base import Capability, EffectClass, Parameter, ToolDeclaration

_NAME = re.compile(FIELD_NAME)
_NAME_LENGTH = 63
_PLACE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_REACHING = frozenset({Capability.NETWORK, Capability.MAIL, Capability.FILES})


def declaration_problem(declaration: ToolDeclaration) -> str:
    """The first thing wrong with a declaration; empty if it is sound."""
    return next(_problems(declaration), "")


def _problems(declaration: ToolDeclaration) -> Iterator[str]:
    if not _NAME.search(declaration.name) or len(declaration.name) > _NAME_LENGTH:
        yield f"its name must be lower case, joined by `_`, and have at most {_NAME_LENGTH} characters"
    if declaration.implementation and not _PLACE.fullmatch(declaration.implementation):
        yield f"its implementation must be written as `package.module:Class`, not `{declaration.implementation}`"
    if declaration.effect is EffectClass.NONE and declaration.capabilities:
        yield "its effect is `none`, though it has capabilities"
    if declaration.capabilities & _REACHING and declaration.effect is not EffectClass.EXTERNAL:
        yield "what reaches out has the effect `external`"
    for name, parameter in declaration.parameters.items():
        if reason := _parameter_problem(name, parameter):
            yield f"its parameter `{name}` {reason}"


def _parameter_problem(name: str, parameter: Parameter) -> str:
    if not _NAME.search(name):
        return "must have a name in lower case, joined by `_`"
    if parameter.required and parameter.default is not None:
        return "is required and has a default"
    if parameter.type is FieldType.REFERENCE:
        return "cannot be a reference"
    try:
        field = parameter.field
    except ValidationError as error:
        return f"contradicts itself: {error.errors()[0]['msg']}"
    if field is not None and parameter.default is not None:
        for finding in check_literal(parameter.default, field, ()):
            return f"has a default that does not fit it: {finding.message}"
    return ""

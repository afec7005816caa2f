"""What a tool declares about itself, so that a manifest can be checked before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, Protocol

from reconciler.expressions.scope import Shape, shape_of_fields
from reconciler.spec.agent_type import AgentType, Grant
from reconciler.spec.fields import FieldSpec, FieldType, ItemSpec
from reconciler.spec.findings import Finding, Path


class EffectClass(StrEnum):
    """What a call may touch: nothing, things it only reads, the type's own tables, the world."""

    NONE = "none"
    READ = "read"
    WRITE = "write"
    EXTERNAL = "external"


class Capability(StrEnum):
    """What a tool can reach; each is bounded by a part of its grant."""

    LANGUAGE_MODEL = "language_model"
    TABLES = "tables"
    NETWORK = "network"
    MAIL = "mail"
    FILES = "files"


BOUNDED_BY: dict[str, frozenset[Capability]] = {
    "models": frozenset({Capability.LANGUAGE_MODEL, Capability.TABLES}),
    "hosts": frozenset({Capability.NETWORK}),
    "recipients": frozenset({Capability.MAIL}),
    "paths": frozenset({Capability.FILES}),
}
"""Which bound of a grant means something for a tool of which capabilities."""

OtherType = Literal["any", "template", "mapping", "fields", "secret"]
"""Besides the field types: any JSON value; a text made for the call; an object with free keys;
field specs, as in `input:`; the name of a declared secret."""


@dataclass(frozen=True)
class Parameter:
    """One key of a step's `with`. Texts may hold expressions, unless the parameter is `static`."""

    type: FieldType | OtherType
    description: str = ""
    required: bool = False
    default: Any = None
    values: tuple[str, ...] = ()
    min: float | None = None
    max: float | None = None
    max_length: int | None = None
    items: FieldType | None = None
    static: bool = False

    @cached_property
    def field(self) -> FieldSpec | None:
        """The field a literal must fit; None for a type that is no field type."""
        if not isinstance(self.type, FieldType):
            return None
        return FieldSpec(
            type=self.type,
            values=list(self.values) or None,
            min=self.min,
            max=self.max,
            max_length=self.max_length,
            items=ItemSpec(type=self.items) if self.items else None,
            description=self.description or None,
        )


class Surroundings(Protocol):
    """What a tool's own check may know of the call. Paths are relative to the step's `with`."""

    @property
    def agent_type(self) -> AgentType: ...

    @property
    def grant(self) -> Grant | None:
        """The type's grant of this tool; None where it has none, which is reported elsewhere."""

    def shape_of(self, value: Any) -> Shape:
        """What a parameter's value will be, expressions evaluated; `any` where that cannot be said."""

    def check_value(self, value: Any, field: FieldSpec, path: Path) -> Iterator[Finding]:
        """Whether a literal or an expression can be stored in a field."""


Check = Callable[[Mapping[str, Any], Surroundings], Iterable[Finding]]
ResultShape = Callable[[Mapping[str, Any], Surroundings], Shape]


@dataclass(frozen=True)
class ToolDeclaration:
    """`result` is what a call gives: its fields, or a function of the call's parameters.

    `check` sees parameters whose types are right as far as can be known; any of them may still be missing or
    an expression.

    `implementation` is where the Tool is (`package.module:Class`): a declaration never imports it. `requires` are
    the modules that it cannot do without beyond what is always installed, `depends_on` the other tools it uses.
    """

    name: str
    title: str
    description: str
    effect: EffectClass
    parameters: Mapping[str, Parameter]
    result: Mapping[str, FieldSpec] | ResultShape
    capabilities: frozenset[Capability] = frozenset()
    check: Check | None = None
    implementation: str = ""
    requires: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()

    @cached_property
    def _fixed_shape(self) -> Shape | None:
        return None if callable(self.result) else shape_of_fields(dict(self.result))

    def shape(self, parameters: Mapping[str, Any], surroundings: Surroundings) -> Shape:
        """What a call with these parameters gives."""
        if callable(self.result):
            return self.result(parameters, surroundings)
        return self._fixed_shape or Shape("object")

    @cached_property
    def required(self) -> tuple[str, ...]:
        return tuple(name for name, parameter in self.parameters.items() if parameter.required)


def result_field(
    kind: FieldType,
    description: str = "",
    *,
    items: FieldType | None = None,
    optional: bool = False,
) -> FieldSpec:
    """A field of a tool's result; always there unless `optional`."""
    return FieldSpec(
        type=kind,
        description=description or None,
        required=not optional,
        items=ItemSpec(type=items) if items else None,
    )

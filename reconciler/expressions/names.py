"""Names and keys of a template looked up in a scope, and what is found wrong on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal as OneOf

from reconciler.expressions.shapes import ANY, Shape, kinds
from reconciler.expressions.syntax import (
    Compare,
    Conditional,
    Key,
    Literal,
    Logic,
    Node,
    Path,
    Test,
    Unary,
    descendants,
    shown,
)
from reconciler.expressions.template import Template
from reconciler.expressions.values import Kind
from reconciler.spec.findings import did_you_mean


@dataclass(frozen=True, slots=True)
class ScopeFinding:
    """`offset` counts from 0 in the template's text."""

    message: str
    offset: int
    hint: str = ""
    severity: OneOf["error", "warning"] = "error"


class Names:
    """Answers what is known of a path; what is wrong is collected in `findings`."""

    def __init__(self, template: Template, scope: Mapping[str, Shape]) -> None:
        self.findings: list[ScopeFinding] = []
        self._template = template
        self._scope = scope
        self._tested: frozenset[tuple[Key, ...]] | None = None

    def path(self, path: Path) -> Shape:
        parts = path.parts
        shape = self._scope.get(str(parts[0]))
        if shape is None:
            hint = did_you_mean(str(parts[0]), self._scope)
            self.find(f"`{parts[0]}` is not known here", path.offset, hint)
            return ANY
        optional = shape.optional
        for index in range(1, len(parts)):
            fields = shape.fields if shape.type == "object" else None
            inner = fields.get(str(parts[index])) if fields is not None else None
            if inner is None:
                owner = f"`{shown(parts[:index])}`"
                inner = self.member(shape, parts[index], owner, self._offset_of(path, index))
            shape = inner
            optional = optional or shape.optional
        return shape.with_optional(optional and not self._is_tested(parts))

    def _is_tested(self, parts: tuple[Key, ...]) -> bool:
        """Whether the template itself looks whether the value at a path, or one on its way, is none."""
        if self._tested is None:
            self._tested = frozenset(_tested_paths(self._template))
        return any(parts[: len(tested)] == tested for tested in self._tested)

    def _offset_of(self, path: Path, index: int) -> int:
        """Where the key at `index` is written, if the path stands in the text without spaces."""
        offset = path.offset + len(shown(path.parts[:index])) + 1
        key = str(path.parts[index])
        text = self._template.text
        if text.startswith(("'", '"'), offset):
            offset += 1
        return offset if text.startswith(key, offset) else path.offset

    def member(self, shape: Shape, key: Key | None, owner: str, offset: int) -> Shape:
        """`key` is None where it is computed."""
        if shape.type in ("any", "json"):
            return ANY
        if shape.type == "object":
            if shape.fields is None or key is None:
                return ANY
            if str(key) in shape.fields:
                return shape.fields[str(key)]
            self.find(f"{owner} has no `{key}`", offset, did_you_mean(str(key), shape.fields))
        elif shape.type == "list":
            if not isinstance(key, str):
                return shape.items or ANY
            self.find(
                f"{owner} is a list and has no `{key}`", offset, "name an item by its index, such as `[0]`"
            )
        else:
            self.find(f"{owner} is of type {shape.type} and has no `{key or 'items'}`", offset)
        return ANY

    def needs(
        self, node: Node, shape: Shape, wanted: frozenset[Kind], what: str, offset: int, hint: str = ""
    ) -> None:
        if kinds(shape).isdisjoint(wanted):
            textual = "text" in kinds(shape)
            self.find(f"{what} does not work on {shape.type}", offset, hint if textual else "")
        elif "none" not in wanted:
            self.may_be_none(node, shape, what, offset)

    def may_be_none(self, node: Node, shape: Shape, what: str, offset: int) -> None:
        if shape.optional and isinstance(node, Path):
            message = f"`{shown(node.parts)}` may be none, on which {what} does not work"
            self.findings.append(ScopeFinding(message, offset, "add `| default(...)`", "warning"))

    def find(self, message: str, offset: int, hint: str = "") -> None:
        self.findings.append(ScopeFinding(message, offset, hint))


def _tested_paths(template: Template) -> Iterator[tuple[Key, ...]]:
    """Paths whose being none is provided for: guarded, tested, compared with none, or a condition."""
    yield from (reference.path for reference in template.references if reference.guarded)
    for part in template.parts:
        if not isinstance(part, str):
            for node in descendants(part):
                yield from (tested.parts for tested in _tested_by(node) if isinstance(tested, Path))


def _tested_by(node: Node) -> tuple[Node, ...]:
    match node:
        case Test():
            return (node.target,)
        case Logic():
            return (node.left,)
        case Conditional():
            return (node.test,)
        case Unary(operator="not"):
            return (node.operand,)
        case Compare() if any(isinstance(n, Literal) and n.value is None for _, n in node.rest):
            return (node.first,)
        case _:
            return ()

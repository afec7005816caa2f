"""Names and keys of a template looked up in a scope, and what is found wrong on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
        self._text = template.text
        self._scope = scope
        self._tested = {reference.path for reference in template.references if reference.guarded}
        for part in template.parts:
            if not isinstance(part, str):
                self._tested.update(_tested_paths(part))

    def path(self, path: Path) -> Shape:
        root = str(path.parts[0])
        shape = self._scope.get(root)
        if shape is None:
            hint = did_you_mean(root, self._scope)
            self.find(f"`{root}` is not known here", path.offset, hint)
            return ANY
        optional = shape.optional
        for index, key in enumerate(path.parts[1:], start=1):
            owner = f"`{shown(path.parts[:index])}`"
            shape = self.member(shape, key, owner, self._offset_of(path, index))
            optional = optional or shape.optional
        if any(path.parts[: len(tested)] == tested for tested in self._tested):
            optional = False
        return shape if shape.optional == optional else replace(shape, optional=optional)

    def _offset_of(self, path: Path, index: int) -> int:
        """Where the key at `index` is written, if the path stands in the text without spaces."""
        offset = path.offset + len(shown(path.parts[:index])) + 1
        key = str(path.parts[index])
        if self._text.startswith(("'", '"'), offset):
            offset += 1
        return offset if self._text.startswith(key, offset) else path.offset

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
        if not kinds(shape) & wanted:
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


def _tested_paths(node: Node) -> set[tuple[Key, ...]]:
    """Paths of which the expression itself looks whether they are none: tested, compared, or a condition."""
    tested: set[tuple[Key, ...]] = set()
    for inner in descendants(node):
        candidates: tuple[Node, ...] = ()
        match inner:
            case Test():
                candidates = (inner.target,)
            case Logic():
                candidates = (inner.left,)
            case Conditional():
                candidates = (inner.test,)
            case Unary(operator="not"):
                candidates = (inner.operand,)
            case Compare() if any(isinstance(n, Literal) and n.value is None for _, n in inner.rest):
                candidates = (inner.first,)
        tested.update(candidate.parts for candidate in candidates if isinstance(candidate, Path))
    return tested

"""What every part of an expression gives, and whether its operators, filters and tests fit what they get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from reconciler.expressions.filters import FILTERS, FilterSpec
from reconciler.expressions.names import Names
from reconciler.expressions.predicates import PREDICATES
from reconciler.expressions.shapes import (
    ANY,
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    Shape,
    either,
    kinds,
    number_type,
    shape_of_constant,
)
from reconciler.expressions.syntax import (
    Arithmetic,
    Compare,
    Comparison,
    Concat,
    Conditional,
    Filter,
    Item,
    ListOf,
    Literal,
    Logic,
    Node,
    Path,
    Test,
    Unary,
)
from reconciler.expressions.values import Kind
from reconciler.spec.findings import did_you_mean

_NUMBER: frozenset[Kind] = frozenset({"number"})
_CONTAINERS: frozenset[Kind] = frozenset({"text", "list", "object"})


class Shaper:
    """Walks expressions once; findings go to `names`."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def shape(self, node: Node) -> Shape:
        match node:
            case Path():
                return self._names.path(node)
            case Literal():
                return shape_of_constant(node.value)
            case ListOf():
                return self._list(node)
            case Filter():
                return self._filter(node)
            case Compare():
                return self._compare(node)
            case Arithmetic():
                return self._arithmetic(node)
            case Unary():
                operand = self.shape(node.operand)
                if node.operator == "not":
                    return BOOLEAN
                self._names.needs(node.operand, operand, _NUMBER, f"`{node.operator}`", node.offset)
                return operand.with_optional(False) if kinds(operand) == _NUMBER else NUMBER
            case Test():
                return self._test(node)
            case Logic():
                return either(self.shape(node.left), self.shape(node.right))
            case Conditional():
                self.shape(node.test)
                return either(self.shape(node.then), self.shape(node.otherwise))
            case Concat():
                self.shape(node.left)
                self.shape(node.right)
                return TEXT
            case Item():
                key = node.key.value if isinstance(node.key, Literal) else None
                self.shape(node.key)
                known = key if isinstance(key, (str, int)) else None
                return self._names.member(self.shape(node.target), known, "the value", node.offset)
        assert_never(node)

    # --- operators -----------------------------------------------------------------------------------

    def _list(self, node: ListOf) -> Shape:
        items: Shape | None = None
        for item in node.items:
            shape = self.shape(item)
            items = shape if items is None else either(items, shape)
        return Shape("list", items=items)

    def _arithmetic(self, node: Arithmetic) -> Shape:
        left, right = self.shape(node.left), self.shape(node.right)
        hint = "texts are joined with `~`" if node.operator == "+" else ""
        for operand, shape in ((node.left, left), (node.right, right)):
            self._names.needs(operand, shape, _NUMBER, f"`{node.operator}`", node.offset, hint)
        if not kinds(left) == kinds(right) == _NUMBER:
            return NUMBER
        found = number_type(left, right)
        return NUMBER if node.operator == "/" and found == "integer" else Shape(found)

    def _compare(self, node: Compare) -> Shape:
        left_node, left = node.first, self.shape(node.first)
        for sign, right_node in node.rest:
            right = self.shape(right_node)
            if sign in ("in", "not in"):
                self._membership(left, right_node, right, node.offset)
            else:
                self._comparison(sign, (left_node, left), (right_node, right), node.offset)
            left_node, left = right_node, right
        return BOOLEAN

    def _comparison(
        self, sign: Comparison, left: tuple[Node, Shape], right: tuple[Node, Shape], offset: int
    ) -> None:
        if sign in ("==", "!="):
            self._equality(left[1], right[1], right[0].offset)
            return
        if not kinds(left[1]) & kinds(right[1]):
            self._names.find(f"`{sign}` cannot compare {left[1].type} with {right[1].type}", offset)
            return
        for node, shape in (left, right):
            if shape.type in ("object", "null"):
                self._names.find(f"`{sign}` does not work on {shape.type}", offset)
            self._names.may_be_none(node, shape, f"`{sign}`", offset)

    def _equality(self, left: Shape, right: Shape, offset: int) -> None:
        if "null" in (left.type, right.type):
            return
        if not kinds(left) & kinds(right):
            self._names.find(f"{left.type} and {right.type} are never equal", offset)
        elif left.values and right.values and not left.values & right.values:
            wrong, known = (right, left) if len(right.values) == 1 else (left, right)
            value = min(wrong.values or ())
            self._names.find(f"it is never `{value}`", offset, did_you_mean(value, known.values or ()))

    def _membership(self, left: Shape, right_node: Node, right: Shape, offset: int) -> None:
        self._names.needs(right_node, right, _CONTAINERS, "`in`", offset)
        if kinds(right) == {"text"} and "text" not in kinds(left):
            self._names.find(f"a text holds no {left.type}", offset)
        elif isinstance(right_node, ListOf):
            for item in right_node.items:
                self._equality(
                    left, shape_of_constant(item.value) if isinstance(item, Literal) else ANY, item.offset
                )

    # --- filters and tests ---------------------------------------------------------------------------

    def _test(self, node: Test) -> Shape:
        target = self.shape(node.target)
        self._names.needs(node.target, target, PREDICATES[node.name].takes, f"`is {node.name}`", node.offset)
        if node.argument is not None:
            argument = self.shape(node.argument)
            if node.name == "in":
                self._membership(target, node.argument, argument, node.offset)
        return BOOLEAN

    def _filter(self, node: Filter) -> Shape:
        spec = FILTERS[node.name]
        target = self.shape(node.target)
        arguments = {name: self.shape(argument) for name, argument in node.arguments}
        self._check_arguments(node, spec, arguments)
        if spec.guards:
            replacement = arguments.get("default_value", TEXT)
            return either(target.with_optional(False) if target.type != "null" else replacement, replacement)
        self._names.needs(node.target, target, spec.takes, f"`{node.name}`", node.offset)
        of = target.items or ANY
        attribute = next(
            (a.value for n, a in node.arguments if n == "attribute" and isinstance(a, Literal)), None
        )
        if isinstance(attribute, str):
            for key in attribute.split("."):
                of = self._names.member(of, int(key) if key.isdecimal() else key, "an item", node.offset)
        return _given(node.name, spec, target, of)

    def _check_arguments(self, node: Filter, spec: FilterSpec, shapes: Mapping[str, Shape]) -> None:
        for name, argument in node.arguments:
            wanted = spec.parameters[name]
            needed: Kind | None = "number" if wanted == "integer" else None if wanted == "any" else wanted
            if needed is not None and needed not in kinds(shapes[name]):
                found = shapes[name].type
                self._names.find(
                    f"`{name}` of filter `{node.name}` is of type {wanted}, not {found}", argument.offset
                )


def _given(name: str, spec: FilterSpec, target: Shape, of: Shape) -> Shape:
    """What a filter gives for `target`, a list of `of`."""
    match spec.gives:
        case "text":
            return TEXT
        case "texts":
            return Shape("list", items=TEXT)
        case "integer":
            return INTEGER
        case "boolean":
            return BOOLEAN
        case "number":
            basis = of if target.type == "list" else target
            return (
                Shape("decimal" if basis.type == "decimal" else "integer") if _exact(name, basis) else NUMBER
            )
        case "same":
            return Shape(target.type, target.fields, target.items)
        case "item":
            return TEXT if "text" in kinds(target) and target.type != "any" else (target.items or ANY)
        case "list":
            return Shape(
                "list", items=of if target.type == "list" else TEXT if target.type != "any" else None
            )
        case "any":
            return ANY
    assert_never(spec.gives)


def _exact(name: str, basis: Shape) -> bool:
    return (
        basis.type == "decimal" if name == "round" else name == "sum" and basis.type in ("integer", "decimal")
    )

"""Text -> nodes: a Pratt parser with Jinja's precedence."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from reconciler.errors import ExpressionError
from reconciler.expressions.filters import FILTERS
from reconciler.expressions.grammar import (
    COMPARE,
    CONDITIONAL,
    CONSTANTS,
    HINTS,
    NOT,
    POSTFIX,
    POWERS,
    RESERVED,
    SIGN,
    TOKEN,
    number,
    unescaped,
)
from reconciler.expressions.predicates import PREDICATES
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
    Reference,
    Test,
    Unary,
)
from reconciler.expressions.tokens import TokenStream
from reconciler.spec.findings import did_you_mean

NESTING = 40
"""Levels of brackets and operators within operators."""

OPERATORS = 100
"""Operators, filters, tests and subscripts of one expression; bounds the height of its tree."""


class Parser(TokenStream):
    """Reads one expression of `source` from `position` on. All methods raise ExpressionError."""

    __slots__ = ("_depth", "_operators", "references")

    def __init__(self, source: str, position: int = 0) -> None:
        self.references: list[Reference] = []
        self._depth = 0
        self._operators = 0
        super().__init__(TOKEN, source, position)

    def whole(self, end: str) -> Node:
        """The expression up to the token `end` (`}}`, or nothing for the end of the text)."""
        if self.kind == "end" and self.text == end:
            raise ExpressionError("there is no expression here", offset=self.offset)
        node = self.expression(0)
        if self.kind == "end" and self.text == end:
            return node
        if self.kind == "end" and end:
            raise ExpressionError(f"the expression is never closed by `{end}`", offset=self.offset)
        raise ExpressionError(f"unexpected {self.shown}", offset=self.offset, hint=HINTS.get(self.text, ""))

    def expression(self, minimum: int) -> Node:
        """The longest expression whose operators all bind tighter than `minimum`."""
        self._depth += 1
        if self._depth > NESTING:
            raise ExpressionError(f"expressions nest at most {NESTING} levels deep", offset=self.offset)
        first_reference = len(self.references)
        node = self._operand(minimum)
        tightest = POSTFIX
        while minimum < (power := POWERS.get(self.text, 0)) <= tightest:
            self._operators += 1
            if self._operators > OPERATORS:
                raise ExpressionError(f"an expression has at most {OPERATORS} operators", offset=self.offset)
            node = self._operation(node, power, first_reference)
            tightest = power
        self._depth -= 1
        return node

    # --- operands ---------------------------------------------------------------------------------

    def _operand(self, minimum: int) -> Node:
        kind, text, offset = self.kind, self.text, self.offset
        if kind == "name":
            return self._named(text, offset, minimum)
        if kind == "string":
            self.advance()
            return Literal(unescaped(text, offset), offset)
        if kind == "number":
            self.advance()
            return Literal(number(text, offset), offset)
        if self.accept("("):
            node = self.expression(0)
            self.expect(")", "to close the parenthesis")
            return node
        if self.accept("["):
            return ListOf(tuple(self._items("]")), offset)
        if text == "-" or text == "+":
            self.advance()
            operand = self.expression(SIGN)
            if (
                isinstance(operand, Literal)
                and isinstance(operand.value, (int, float))
                and not isinstance(operand.value, bool)
            ):
                return Literal(-operand.value if text == "-" else operand.value, offset)
            return Unary("-" if text == "-" else "+", operand, offset)
        raise ExpressionError(f"expected a value, not {self.shown}", offset=offset, hint=HINTS.get(text, ""))

    def _named(self, text: str, offset: int, minimum: int) -> Node:
        if text in CONSTANTS:
            self.advance()
            return Literal(CONSTANTS[text], offset)
        parts = text.split(".")
        root = parts[0]
        if text == "not" and minimum < COMPARE:
            self.advance()
            return Unary("not", self.expression(NOT), offset)
        if root in RESERVED or root in CONSTANTS:
            raise ExpressionError(f"expected a value, not `{root}`", offset=offset)
        self.advance()
        path = tuple(parts)
        self.references.append(Reference(path, offset, False))
        return Path(path, offset)

    def _items(self, closing: str) -> list[Node]:
        items: list[Node] = []
        while not self.accept(closing):
            items.append(self.expression(0))
            if self.text != closing:
                self.expect(",", f"or `{closing}`")
        return items

    # --- operations -------------------------------------------------------------------------------

    def _operation(self, left: Node, power: int, first_reference: int) -> Node:
        text, offset = self.text, self.offset
        if power == COMPARE:
            return self._comparison(left, offset)
        self.advance()
        match text:
            case "|":
                return self._filter(left, first_reference)
            case "is":
                return self._test(left, first_reference)
            case ".":
                return self._attribute(left, offset)
            case "[":
                return self._subscript(left, offset)
            case "(":
                raise ExpressionError(
                    "nothing can be called here", offset=offset, hint="filters are written `value | name`"
                )
            case "if":
                return self._conditional(left, offset)
            case "and" | "or":
                return Logic("and" if text == "and" else "or", left, self.expression(power), offset)
            case "~":
                return Concat(left, self.expression(power), offset)
            case "+" | "-" | "*" | "/" | "//" | "%":
                return Arithmetic(text, left, self.expression(power), offset)
        raise AssertionError(text)

    def _comparison(self, left: Node, offset: int) -> Node:
        rest: list[tuple[Comparison, Node]] = []
        while POWERS.get(self.text) == COMPARE:
            operator = self.text
            self.advance()
            if operator == "not":
                self.expect("in", "after `not`")
                operator = "not in"
            rest.append((cast(Comparison, operator), self.expression(COMPARE)))
        self._operators += len(rest) - 1
        return Compare(left, tuple(rest), offset)

    def _conditional(self, then: Node, offset: int) -> Node:
        test = self.expression(CONDITIONAL)
        if not self.accept("else"):
            raise ExpressionError(
                f"expected `else`, not {self.shown}", offset=self.offset, hint="write `a if b else none`"
            )
        return Conditional(test, then, self.expression(0), offset)

    def _attribute(self, target: Node, offset: int) -> Node:
        text, kind = self.text, self.kind
        if kind != "name":
            hint = f"write `[{text}]`" if kind == "number" else ""
            raise ExpressionError(
                f"expected a name after `.`, not {self.shown}", offset=self.offset, hint=hint
            )
        self.advance()
        for part in text.split("."):
            target = self._member(target, Literal(part, offset), offset)
        return target

    def _subscript(self, target: Node, offset: int) -> Node:
        key = self.expression(0)
        self.expect("]", "to close the subscript")
        return self._member(target, key, offset)

    def _member(self, target: Node, key: Node, offset: int) -> Node:
        """Keys known now lengthen a path, and with it the reference that was just recorded for it."""
        if isinstance(target, Path) and isinstance(key, Literal) and type(key.value) in (str, int):
            path = (*target.parts, cast(str | int, key.value))
            self.references[-1] = Reference(path, target.offset, False)
            return Path(path, target.offset)
        return Item(target, key, offset)

    def _filter(self, target: Node, first_reference: int) -> Node:
        name, offset = self._word("a filter's name after `|`")
        spec = FILTERS.get(name)
        if spec is None:
            raise ExpressionError(
                f"there is no filter `{name}`", offset=offset, hint=did_you_mean(name, FILTERS)
            )
        if spec.guards:
            self._guard(first_reference)
        arguments: dict[str, Node] = {}
        if self.accept("("):
            self._arguments(name, tuple(spec.parameters), arguments)
        missing = [parameter for parameter in spec.required if parameter not in arguments]
        if missing:
            raise ExpressionError(f"filter `{name}` needs `{missing[0]}`", offset=offset)
        for parameter in spec.literal & arguments.keys():
            if not isinstance(arguments[parameter], Literal):
                raise ExpressionError(f"`{parameter}` of filter `{name}` must be a plain text", offset=offset)
        return Filter(name, target, tuple(arguments.items()), offset)

    def _arguments(self, name: str, parameters: tuple[str, ...], into: dict[str, Node]) -> None:
        """Binds what stands between the parentheses to the filter's parameters, as Python would."""
        keywords = False
        while not self.accept(")"):
            word, offset = self.text, self.offset
            value = self.expression(0)
            if self.text == "=":
                self.advance()
                self._unrecord(value)
                keywords = True
                value = self.expression(0)
                if word not in parameters:
                    raise ExpressionError(
                        f"filter `{name}` has no `{word}`", offset=offset, hint=did_you_mean(word, parameters)
                    )
            elif keywords or len(into) >= len(parameters):
                why = (
                    "an unnamed argument comes first"
                    if keywords
                    else f"filter `{name}` takes {len(parameters)} at most"
                )
                raise ExpressionError(f"one argument too many: {why}", offset=offset)
            else:
                word = parameters[len(into)]
            if word in into:
                raise ExpressionError(f"`{word}` is given twice", offset=offset)
            into[word] = value
            if self.text != ")":
                self.expect(",", "or `)`")

    def _unrecord(self, keyword: Node) -> None:
        """What was read as a name turns out to be a keyword's."""
        if not isinstance(keyword, Path) or len(keyword.parts) != 1:
            raise ExpressionError("unexpected `=`", offset=keyword.offset, hint=HINTS["="])
        self.references.pop()

    def _test(self, target: Node, first_reference: int) -> Node:
        negated = self.accept("not")
        name, offset = self._word("a test's name after `is`")
        spec = PREDICATES.get(name)
        if spec is None:
            raise ExpressionError(
                f"there is no test `{name}`", offset=offset, hint=did_you_mean(name, PREDICATES)
            )
        if spec.guards:
            self._guard(first_reference)
        argument = self.expression(SIGN) if spec.argument else None
        # Jinja takes the former for the test's argument, and refuses the latter.
        if self.text in ("in", "is"):
            raise ExpressionError(
                f"a test is not followed by `{self.text}`", offset=self.offset, hint="write parentheses"
            )
        return Test(name, target, argument, negated, offset)

    def _word(self, what: str) -> tuple[str, int]:
        name, offset = self.text, self.offset
        if self.kind != "name":
            raise ExpressionError(f"expected {what}, not {self.shown}", offset=offset)
        self.advance()
        return name, offset

    def _guard(self, first_reference: int) -> None:
        for index in range(first_reference, len(self.references)):
            self.references[index] = replace(self.references[index], guarded=True)

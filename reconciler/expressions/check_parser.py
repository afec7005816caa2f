"""Text -> row condition: a Pratt parser that types what it reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol, cast

from reconciler.errors import ExpressionError
from reconciler.expressions.check_syntax import (
    Among,
    Between,
    Call,
    ColumnValue,
    Constant,
    Function,
    IsNull,
    Junction,
    Negative,
    Not,
    Operand,
    Sign,
    ValueKind,
)
from reconciler.expressions.check_typing import (
    NOUNS,
    calculation,
    common,
    comparison,
    must_be_boolean,
    must_be_number,
    must_be_ordered,
    number,
    of_one_kind,
)
from reconciler.expressions.tokens import TokenStream
from reconciler.spec.fields import FieldType
from reconciler.spec.findings import did_you_mean

NESTING = 40
OPERATORS = 100

_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<end>\Z)"
    r"|(?P<operator>==|!=|<>|<=|>=|--|[-+*/%=<>(),])"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?)"
    r"|(?P<string>'[^']*(?:''[^']*)*')"
    r"|(?P<quoted>\"[^\"]+\"))"
)

_OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGN = range(1, 8)
_SIGNS: Mapping[str, Sign] = {
    "=": "=",
    "==": "=",
    "!=": "<>",
    "<>": "<>",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
}
_POWERS = {
    "or": _OR,
    "and": _AND,
    **dict.fromkeys((*_SIGNS, "is", "in", "between", "not"), _COMPARE),
    **dict.fromkeys(("+", "-"), _SUM),
    **dict.fromkeys(("*", "/", "%"), _PRODUCT),
}
_RESERVED = frozenset({"or", "and", "not", "is", "in", "between", "null", "true", "false", "like"})
_FUNCTIONS = ("abs", "coalesce", "length", "lower", "upper")

_KINDS: Mapping[FieldType, ValueKind] = {
    FieldType.STRING: "text",
    FieldType.TEXT: "text",
    FieldType.ENUM: "text",
    FieldType.INTEGER: "integer",
    FieldType.REFERENCE: "integer",
    FieldType.NUMBER: "real",
    FieldType.DECIMAL: "decimal",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATE: "date",
    FieldType.DATETIME: "datetime",
    FieldType.UUID: "uuid",
}
_NO_NULL = "`null` can only follow `is` or `is not`: compared with it nothing is true"


class Readable(Protocol):
    """What a condition has to know of a field, or of its column."""

    @property
    def type(self) -> FieldType: ...

    @property
    def encrypted(self) -> bool: ...


class CheckParser(TokenStream):
    """All methods raise ExpressionError with an offset."""

    __slots__ = ("_columns", "_depth", "_operators")

    def __init__(self, source: str, columns: Mapping[str, Readable]) -> None:
        self._columns = columns
        self._depth = 0
        self._operators = 0
        super().__init__(_TOKEN, source)

    def whole(self) -> Operand:
        condition = self._expression(0)
        if self.kind != "end":
            hint = "join comparisons with `and`" if _POWERS.get(self._word) == _COMPARE else ""
            if self._word == "like":
                hint = "the shape of a text is the business of the field's `pattern`"
            raise ExpressionError(f"unexpected {self.shown}", offset=self.offset, hint=hint)
        must_be_boolean(condition, "a check", 0)
        return condition

    @property
    def _word(self) -> str:
        """The token; keywords and functions may be written in either case."""
        return self.text.lower() if self.kind == "word" else self.text

    def _accept_word(self, word: str) -> bool:
        if self._word != word:
            return False
        self.advance()
        return True

    def _expression(self, minimum: int) -> Operand:
        self._depth += 1
        if self._depth > NESTING:
            raise ExpressionError(f"conditions nest at most {NESTING} levels deep", offset=self.offset)
        node = self._operand(minimum)
        loosest = _SIGN
        while minimum < (power := _POWERS.get(self._word, 0)) <= loosest:
            self._operators += 1
            if self._operators > OPERATORS:
                raise ExpressionError(f"a condition has at most {OPERATORS} operators", offset=self.offset)
            node = self._operation(node, power)
            loosest = power - 1 if power == _COMPARE else power
        self._depth -= 1
        return node

    def _condition(self, minimum: int, what: str) -> Operand:
        offset = self.offset
        node = self._expression(minimum)
        must_be_boolean(node, what, offset)
        return node

    # --- operands ------------------------------------------------------------------------------------

    def _operand(self, minimum: int) -> Operand:
        kind, text, offset = self.kind, self.text, self.offset
        if kind == "word":
            return self._named(text, offset, minimum)
        if kind == "quoted":
            self.advance()
            return self._column(text[1:-1], offset)
        if kind == "string":
            self.advance()
            return Constant(text[1:-1].replace("''", "'"), "text", offset)
        if kind == "number":
            self.advance()
            return number(text, offset)
        if self.accept("("):
            node = self._expression(0)
            self.expect(")", "to close the parenthesis")
            return node
        if text in ("-", "+"):
            self.advance()
            operand = self._expression(_SIGN)
            must_be_number(operand, text, offset)
            return Negative(operand, operand.kind) if text == "-" else operand
        raise ExpressionError(f"expected a value, not {self.shown}", offset=offset)

    def _named(self, text: str, offset: int, minimum: int) -> Operand:
        word = text.lower()
        if word == "not" and minimum < _COMPARE:
            self.advance()
            return Not(self._condition(_NOT, "what follows `not`"))
        self.advance()
        if word in ("true", "false"):
            return Constant(word == "true", "boolean", offset)
        if word == "null":
            raise ExpressionError(_NO_NULL, offset=offset, hint="write `is null`")
        if word in _RESERVED:
            raise ExpressionError(f"expected a value, not `{text}`", offset=offset)
        if self.text == "(":
            return self._call(word, offset)
        return self._column(text, offset)

    def _column(self, name: str, offset: int) -> ColumnValue:
        column = self._columns.get(name)
        if column is None:
            raise ExpressionError(
                f"there is no field `{name}`", offset=offset, hint=did_you_mean(name, self._columns)
            )
        if column.encrypted:
            raise ExpressionError(f"`{name}` is encrypted: no check can see into it", offset=offset)
        kind = _KINDS.get(column.type)
        if kind is None:
            raise ExpressionError(
                f"checks cannot look into a {column.type.value} such as `{name}`", offset=offset
            )
        return ColumnValue(name, kind)

    def _call(self, name: str, offset: int) -> Operand:
        if name not in _FUNCTIONS:
            raise ExpressionError(
                f"there is no function `{name}`", offset=offset, hint=did_you_mean(name, _FUNCTIONS)
            )
        arguments = self._list(f"`{name}`")
        function = cast(Function, name)
        if function == "coalesce":
            if len(arguments) < 2:
                raise ExpressionError("`coalesce` chooses between two values or more", offset=offset)
            arguments = of_one_kind(arguments, "`coalesce`", offset)
            return Call(function, arguments, common([argument.kind for argument in arguments]))
        if len(arguments) != 1:
            raise ExpressionError(f"`{name}` takes one value", offset=offset)
        argument = arguments[0]
        if function == "abs":
            must_be_number(argument, name, offset)
            return Call(function, arguments, argument.kind)
        if argument.kind != "text":
            raise ExpressionError(f"`{name}` takes a text, not {NOUNS[argument.kind]}", offset=offset)
        return Call(function, arguments, "integer" if function == "length" else "text")

    def _list(self, what: str) -> tuple[Operand, ...]:
        self.expect("(", f"after {what}")
        items = [self._expression(0)]
        while self.accept(","):
            items.append(self._expression(0))
        self.expect(")", f"to close the list of {what}")
        return tuple(items)

    # --- operations ----------------------------------------------------------------------------------

    def _operation(self, left: Operand, power: int) -> Operand:
        word, offset = self._word, self.offset
        self.advance()
        if word in ("and", "or"):
            must_be_boolean(left, f"what `{word}` joins", offset)
            right = self._condition(power, f"what `{word}` joins")
            return Junction("and" if word == "and" else "or", left, right)
        if power > _COMPARE:
            return calculation(word, left, self._expression(power), offset)
        if word == "is":
            negated = self._accept_word("not")
            if not self._accept_word("null"):
                hint = "write `= true` or `= false`" if self._word in ("true", "false") else ""
                raise ExpressionError(f"expected `null`, not {self.shown}", offset=self.offset, hint=hint)
            return IsNull(left, negated)
        if word in _SIGNS:
            return comparison(_SIGNS[word], left, self._expression(_COMPARE), offset)
        return self._range(left, word, offset)

    def _range(self, left: Operand, word: str, offset: int) -> Operand:
        """`[not] in (...)` and `[not] between ... and ...`, behind their first word."""
        negated = word == "not"
        if negated:
            word = self._word
            if word not in ("in", "between"):
                raise ExpressionError(f"expected `in` or `between`, not {self.shown}", offset=self.offset)
            self.advance()
        if word == "in":
            operand, *choices = of_one_kind((left, *self._list("`in`")), "`in`", offset)
            return Among(operand, tuple(choices), negated)
        low = self._expression(_COMPARE)
        if not self._accept_word("and"):
            raise ExpressionError(f"expected `and`, not {self.shown}", offset=self.offset)
        high = self._expression(_COMPARE)
        operand, low, high = of_one_kind((left, low, high), "`between`", offset)
        must_be_ordered(operand, "between", offset)
        return Between(operand, low, high, negated)

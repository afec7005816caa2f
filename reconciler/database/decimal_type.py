"""The type of decimal columns: exact on PostgreSQL, and on SQLite, which has nothing like it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from reconciler.database.storable import UnfitValue
from reconciler.spec.exact import exact


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal without loss. SQLite has no exact number beyond 64 bits: there it is text of the declared
    scale.

    Such texts are told apart exactly but do not sort as numbers: `<`, `between`, `asc()` and their like
    compare magnitudes there, exact to 15 digits. A bare `order_by(Model.price)` sorts text; write
    `Model.price.asc()`.
    """

    impl = sa.Numeric
    cache_ok = True

    class Comparator(TypeDecorator.Comparator[Decimal]):
        def operate(self, op: operators.OperatorType, *other: Any, **kwargs: Any) -> sa.ColumnElement[Any]:
            if op not in _BY_MAGNITUDE:
                return super().operate(op, *other, **kwargs)
            sides = [o if _is_sql(o) else sa.literal(o, self.type) for o in other]
            compared: sa.ColumnElement[Any] = op(_Magnitude(self.expr), *map(_Magnitude, sides), **kwargs)
            return compared

    comparator_factory = Comparator

    def __init__(self, precision: int, scale: int) -> None:
        super().__init__(precision, scale)
        self.precision, self.scale = precision, scale

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        text = dialect.name == "sqlite"
        return sa.Text() if text else sa.Numeric(self.precision, self.scale)

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        try:
            number = exact(value, self.scale, self.precision)
        except ValueError as error:
            raise UnfitValue(str(error)) from None
        return format(number, "f") if dialect.name == "sqlite" else number

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Decimal | None:
        # A sum of SQLite's texts is a float.
        return None if value is None else exact(value, self.scale)


class _Magnitude(FunctionElement[Any]):
    """A decimal as something that sorts like a number."""

    type = sa.Double()
    inherit_cache = True


@compiles(_Magnitude)
def _as_it_is(element: _Magnitude, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(_Magnitude, "sqlite")
def _as_real(element: _Magnitude, compiler: Any, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS REAL)"


def _is_sql(value: Any) -> bool:
    return isinstance(value, sa.ClauseElement) or hasattr(value, "__clause_element__")


_BY_MAGNITUDE = frozenset(
    {
        operators.lt,
        operators.le,
        operators.gt,
        operators.ge,
        operators.between_op,
        operators.not_between_op,
        operators.asc_op,
        operators.desc_op,
    }
)

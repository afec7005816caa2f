"""What can be known of a template before there are values."""

from __future__ import annotations

import pytest

from reconciler.expressions.scope import Shape, check, infer, shape_of_field, shape_of_fields
from reconciler.expressions.template import parse
from reconciler.spec.fields import FieldSpec, FieldType, ItemSpec

STRING, INTEGER, NUMBER, ANY = Shape("string"), Shape("integer"), Shape("number"), Shape("any")
SCOPE = {
    "input": shape_of_fields(
        {
            "subject": FieldSpec(type=FieldType.STRING),
            "body": FieldSpec(type=FieldType.TEXT, required=True),
            "n": FieldSpec(type=FieldType.INTEGER, required=True),
            "price": FieldSpec(type=FieldType.DECIMAL, default=1),
            "day": FieldSpec(type=FieldType.DATE, required=True),
            "anything": FieldSpec(type=FieldType.JSON, required=True),
            "tags": FieldSpec(type=FieldType.LIST, items=ItemSpec(type=FieldType.STRING), required=True),
            "category": FieldSpec(type=FieldType.ENUM, values=["bug", "sales"], required=True),
        }
    ),
    "steps": Shape(
        "object",
        {
            "extract": Shape("object", {"urgency": Shape("integer", optional=True)}),
            "rows": Shape("list", items=Shape("object", {"a": INTEGER, "label": STRING})),
            "maybe": Shape("object", {"x": INTEGER}, optional=True),
        },
    ),
    "item": ANY,
    "settings": Shape("object"),
}

FINDINGS: list[tuple[str, str, int, str]] = [
    ("{{ inptu.body }}", "`inptu` is not known here", 3, "did you mean `input`?"),
    ("{{ input.bdy }}", "`input` has no `bdy`", 9, "did you mean `body`?"),
    ("{{ input['bdy'] }}", "`input` has no `bdy`", 10, "did you mean `body`?"),
    ("x {{ steps.extrct.urgency | default(1) }}", "`steps` has no `extrct`", 11, "did you mean `extract`?"),
    ("{{ steps.extract.urgenc is defined }}", "no `urgenc`", 17, "did you mean `urgency`?"),
    ("{{ input.n.x }}", "of type integer", 11, ""),
    ("{{ input.tags.first }}", "is a list", 14, "name an item by its index, such as `[0]`"),
    ("{{ steps.rows[0].b }}", "has no `b`", 17, "known here: `a`, `label`"),
    ("{{ (steps.rows | first).b }}", "has no `b`", 23, "known here: `a`, `label`"),
    ("{{ steps.rows | map(attribute='b') | list }}", "an item has no `b`", 16, "known here: `a`, `label`"),
    ("{{ input.body + 'x' }}", "`+` does not work on text", 14, "texts are joined with `~`"),
    ("{{ input.n * input.tags }}", "`*` does not work on list", 11, ""),
    ("{{ -input.body }}", "`-` does not work on text", 3, ""),
    ("{{ input.n > 'x' }}", "cannot compare integer with string", 11, ""),
    ("{{ input.n == '3' }}", "integer and string are never equal", 14, ""),
    ("{{ input.category == 'bugg' }}", "it is never `bugg`", 21, "did you mean `bug`?"),
    ("{{ input.category in ['bug', 'sale'] }}", "it is never `sale`", 29, "did you mean `sales`?"),
    ("{{ input.category is in ['bug', 'sale'] }}", "it is never `sale`", 32, "did you mean `sales`?"),
    ("{{ 1 in input.body }}", "a text holds no integer", 5, ""),
    ("{{ 'a' in input.n }}", "`in` does not work on integer", 7, ""),
    ("{{ input.n | upper }}", "`upper` does not work on integer", 13, ""),
    ("{{ input.body | truncate('x') }}", "`length` of filter `truncate` is of type integer", 25, ""),
    ("{{ input.body | sum }}", "`sum` does not work on text", 16, ""),
    ("{{ input.body is odd }}", "`is odd` does not work on text", 17, ""),
    ("{{ settings < 3 }}", "cannot compare object with integer", 12, ""),
    ("{{ inptu.a if input.n else outptu }}", "`inptu` is not known here", 3, "did you mean `input`?"),
]


@pytest.mark.parametrize(("text", "part", "offset", "hint"), FINDINGS)
def test_what_cannot_work_is_found_where_it_stands(text: str, part: str, offset: int, hint: str) -> None:
    finding = check(parse(text), SCOPE)[0]
    assert part in finding.message
    assert (finding.offset, finding.hint, finding.severity) == (offset, hint, "error")


def test_every_mistake_of_a_template_is_found_in_order() -> None:
    found = check(parse("{{ a }} {{ input.b ~ c }} {{ input.body }}"), SCOPE)
    assert [finding.offset for finding in found] == [3, 17, 21]


@pytest.mark.parametrize(
    "text",
    [
        "Subject: {{ input.subject }} {{ input.body }}",
        "{{ steps.extract.urgency | default(1) >= 4 }}",
        "{{ steps.extract.urgency is not none and steps.extract.urgency >= 4 }}",
        "{{ steps.extract.urgency != none and steps.extract.urgency >= 4 }}",
        "{{ steps.extract.urgency >= 4 if steps.extract.urgency else false }}",
        "{{ steps.extract.urgency and steps.extract.urgency >= 4 }}",
        "{{ steps.extract.urgency == none or not steps.extract.urgency }}",
        "{{ item.whatever[0] + settings.unknown | int }}",
        "{{ input.anything.deep[0] + 1 }}",
        "{{ input.price * 2 > input.n }}",
        "{{ input.day > '2026-01-01' and input.day | date('%Y') == '2026' }}",
        "{{ input.tags | join(', ') | truncate(input.n) | upper }}",
        "{{ 'bug' == input.category or input.category in ['bug', 'sales'] }}",
        "{{ steps.rows | sum(attribute='a') + steps.rows[0].a }}",
        "{{ 'x' in input.body and 'y' in input.tags and 'z' in settings }}",
        "no expression at all",
    ],
)
def test_what_can_work_is_left_alone(text: str) -> None:
    assert check(parse(text), SCOPE) == []


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("{{ steps.extract.urgency >= 4 }}", 25),
        ("{{ 1 + steps.extract.urgency }}", 5),
        ("{{ input.subject | upper }}", 19),
        ("{{ steps.maybe.x > 1 }}", 17),
    ],
)
def test_what_may_be_none_where_none_does_not_work_is_a_warning(text: str, offset: int) -> None:
    (finding,) = check(parse(text), SCOPE)
    assert (finding.severity, finding.offset, finding.hint) == ("warning", offset, "add `| default(...)`")


INFERRED: list[tuple[str, Shape]] = [
    ("{{ input.n }}", INTEGER),
    ("{{ input.n }}.", STRING),
    ("plain", STRING),
    ("{{ steps.extract.urgency }}", Shape("integer", optional=True)),
    ("{{ steps.maybe.x }}", Shape("integer", optional=True)),
    ("{{ steps.extract.urgency | default(1) }}", INTEGER),
    ("{{ steps.extract.urgency | default(1.5) }}", NUMBER),
    ("{{ steps.extract.urgency | default('none') }}", ANY),
    ("{{ steps.extract.urgency | default(none) }}", Shape("integer", optional=True)),
    ("{{ input.n + 1 }}", INTEGER),
    ("{{ input.n / 2 }}", NUMBER),
    ("{{ input.n + 0.5 }}", NUMBER),
    ("{{ input.price * input.n }}", Shape("decimal")),
    ("{{ -input.price }}", Shape("decimal")),
    ("{{ input.n > 1 or not input.n }}", Shape("boolean")),
    ("{{ input.n ~ 1 }}", STRING),
    ("{{ input.body | upper }}", STRING),
    ("{{ input.body | length }}", INTEGER),
    ("{{ input.body | split }}", Shape("list", items=STRING)),
    ("{{ input.tags | first }}", STRING),
    ("{{ input.tags[0] }}", STRING),
    ("{{ input.tags | sort | unique }}", Shape("list", items=STRING)),
    ("{{ steps.rows | map(attribute='a') }}", Shape("list", items=INTEGER)),
    ("{{ steps.rows | sum(attribute='a') }}", INTEGER),
    ("{{ steps.rows | max(attribute='a') }}", SCOPE["steps"].fields["rows"].items),
    ("{{ input.price | round(1) }}", Shape("decimal")),
    ("{{ input.body | int }}", INTEGER),
    ("{{ 'bug' if input.n else 'sales' }}", Shape("string", values=frozenset({"bug", "sales"}))),
    ("{{ 'bug' if input.n else none }}", Shape("string", values=frozenset({"bug"}), optional=True)),
    ("{{ input.category if input.n else 'x' }}", Shape("string", values=frozenset({"bug", "sales", "x"}))),
    ("{{ 1 if input.n else 'x' }}", ANY),
    ("{{ [1, 2.5] }}", Shape("list", items=NUMBER)),
    ("{{ item.x }}", ANY),
    ("{{ unknown }}", ANY),
    ("{{ settings.x }}", ANY),
]


@pytest.mark.parametrize(("text", "shape"), INFERRED)
def test_the_shape_of_a_result_is_known_as_far_as_can_be(text: str, shape: Shape) -> None:
    assert infer(parse(text), SCOPE) == shape


def test_a_field_is_optional_if_it_may_be_left_out_and_has_no_default() -> None:
    plain, needed, filled = (
        shape_of_field(FieldSpec(type=FieldType.INTEGER, **given))
        for given in ({}, {"required": True}, {"default": 1})
    )
    assert (plain.optional, needed.optional, filled.optional) == (True, False, False)

"""Templates: what they give, what they refer to, what they refuse."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from reconciler.errors import ExpressionError
from reconciler.expressions.nested import evaluate_value
from reconciler.expressions.template import (
    has_expression,
    parse,
    parse_condition,
    texts,
    walk,
)

CONTEXT: dict[str, Any] = {
    "input": {
        "n": 3,
        "name": "Ada",
        "rows": [{"a": 1, "tag": "b"}, {"a": 2, "tag": "A"}],
        "words": ["b", "A", "b"],
        "nothing": None,
        "yes": True,
        "price": Decimal("12.50"),
        "day": date(2026, 1, 31),
        "items": "a key, not a method",
    },
    "steps": {"extract": {"urgency": None}},
    "settings": {},
    "item": 7,
}

VALUES: list[tuple[str, Any]] = [
    ("{{ input.n }}", 3),
    ("{{input.n}}", 3),
    ("{{ input['n'] }}", 3),
    ("{{ input . n }}", 3),
    ("{{ input.rows[0].a }}", 1),
    ("{{ input.rows[-1]['a'] }}", 2),
    ("{{ input.rows[item - 6].a }}", 2),
    ("{{ input[('na' ~ 'me')] }}", "Ada"),
    ("{{ input.items }}", "a key, not a method"),
    ("{{ input.rows }}", CONTEXT["input"]["rows"]),
    ("n={{ input.n }}", "n=3"),
    ("{{ input.n }}{{ input.n }}", "33"),
    ("{{ input.n }} ", "3 "),
    ("no expression", "no expression"),
    ("", ""),
    ('{"a": {"b": 1}}', '{"a": {"b": 1}}'),
    ('{{ "{{" }}', "{{"),
    ('{{ "}}" ~ 1 }}', "}}1"),
    ("[{{ input.nothing }}] {{ input.yes }} {{ [1, 'x', none] }}", '[] true [1, "x", null]'),
    ("{{ input.price }} on {{ input.day }}", "12.50 on 2026-01-31"),
    (r"{{ 'a\n\'\u00e9\x41' }}", "a\n'éA"),
    ("{{ 1_000 }}", 1000),
    ("{{ 1.5e3 }}", 1500.0),
    ("{{ [1, [2], ] }}", [1, [2]]),
    ("{{ 1 + 2 * 3 - 4 // 3 % 5 }}", 6),
    ("{{ -input.n | abs }}", 3),
    ("{{ 2 * -3 | abs }}", 6),
    ("{{ 1 ~ 2 + 3 ~ 4 if false else 1 ~ 2 }}", "12"),
    ("{{ 1 < 2 < 3 and not 1 > 2 }}", True),
    ("{{ not 1 == 2 }}", True),
    ("{{ 'a' in 'cab' and 2 not in [1] and 'n' in input }}", True),
    ("{{ input.missing | default('x') }}", "x"),
    ("{{ input.missing.deeper | default(none) }}", None),
    ("{{ nowhere | default(1) + 1 }}", 2),
    ("{{ (input.missing ~ 'a') | default('b') }}", "b"),
    ("{{ input.missing | upper | default('b') }}", "b"),
    ("{{ input.nothing | default(1) }}", 1),
    ("{{ 'given' | default(nowhere.at.all) }}", "given"),
    ("{{ '' | default('empty', true) }}", "empty"),
    ("{{ '' | default('empty', boolean=true) }}", "empty"),
    ("{{ input.missing | default }}", ""),
    ("{{ [] | first | default('none there') }}", "none there"),
    ("{{ input.missing is defined }}", False),
    ("{{ input.missing is undefined }}", True),
    ("{{ input.missing is not defined or input.missing > 1 }}", True),
    ("{{ input.nothing is defined and input.nothing is none }}", True),
    ("{{ 'x' if input.n > 5 else 'y' if input.n > 2 else 'z' }}", "y"),
    ("{{ input.n is divisibleby 3 and input.n is divisibleby(3) and input.n is odd }}", True),
    ("{{ input.n is in [1, 2] }}", False),
    ("{{ input.price > 12 and input.price + 0.5 == 13 }}", True),
    ("{{ input.rows | map(attribute='a') | sum }}", 3),
    ("{{ input.rows | map(attribute='b', default=0) }}", [0, 0]),
    ("{{ input.rows | sum(attribute='a', start=10) }}", 13),
    ("{{ input.rows | sort(attribute='tag') | first }}", {"a": 2, "tag": "A"}),
    ("{{ input.words | unique | join(', ') }}", "b, A"),
    ("{{ input.words | sort(reverse=true) }}", ["b", "b", "A"]),
    ("{{ input.words | max ~ input.words | min(case_sensitive=true) }}", "bA"),
    ("{{ input.rows | join('+', attribute='a') }}", "1+2"),
    ("{{ input.rows | length + (input.name | count) }}", 5),
    ("{{ 'a b' | split | last }}", "b"),
    ("{{ 'a,b,c' | split(',', 1) }}", ["a", "b,c"]),
    ("{{ 'one two three' | truncate(9) }}", "one..."),
    ("{{ 'one two three' | truncate(9, true, '…') }}", "one two …"),
    ("{{ 'x' | truncate(1) if false else 'abc' | truncate(3) }}", "abc"),
    ("{{ 'aXbX' | replace('X', '-', 1) }}", "a-bX"),
    ("{{ ' x ' | trim ~ 'xyx' | trim('x') }}", "xy"),
    ("{{ 'hello wORLD-wide' | title }}", "Hello World-Wide"),
    ("{{ '12' | int + '1.5' | float + '7.9' | int }}", 20.5),
    ("{{ 'x' | int(default=-1) + '101' | int(base=2) }}", 4),
    ("{{ 2.567 | round(2) }}", 2.57),
    ("{{ 2.1 | round(method='ceil') | int }}", 3),
    ("{{ input.price | round(1, 'floor') }}", Decimal("12.5")),
    ("{{ {'a'} if false else 1 }}", ExpressionError),
    ("{{ input.rows | tojson }}", '[{"a": 1, "tag": "b"}, {"a": 2, "tag": "A"}]'),
    ("{{ input.day | date('%d.%m.%Y') ~ ' ' ~ '2026-03-01T10:00:00Z' | date('%H:%M') }}", "31.01.2026 10:00"),
    ("{{ 'abc' | reverse ~ [1, 2] | reverse | join }}", "cba21"),
    ("{{ 'ab' | list }}", ["a", "b"]),
    ("{{ (input.rows | first).a }}", 1),
]


@pytest.mark.parametrize(("text", "value"), [case for case in VALUES if case[1] is not ExpressionError])
def test_an_expression_gives_its_value_and_keeps_its_type(text: str, value: Any) -> None:
    given = parse(text).evaluate(CONTEXT)
    assert given == value
    assert type(given) is type(value)


REFUSED: list[tuple[str, int, str]] = [
    ("{{ }}", 3, "no expression"),
    ("{{ input.n", 10, "never closed"),
    ("{{ input.n }", 11, "unexpected `}`"),
    ("a {% if x %}", 2, "no statements"),
    ("a {# x #}", 2, "no comments"),
    ("{{-1}}", 0, "whitespace control"),
    ("{{ 1 -}}", 6, "expected a value"),
    ("{{ x $ y }}", 5, "unexpected character"),
    ("{{ 'abc }}", 3, "never closed"),
    (r"{{ 'a\d' }}", 5, "no escape"),
    (r"{{ '\ud800' }}", 4, "no escape"),
    ("{{ x() }}", 4, "called"),
    ("{{ x.y(1) }}", 6, "called"),
    ("{{ x[1:2] }}", 6, "expected `]`"),
    ("{{ {'a': 1} }}", 3, "expected a value"),
    ("{{ (1, 2) }}", 5, "expected `)`"),
    ("{{ a if b }}", 10, "expected `else`"),
    ("{{ a = b }}", 5, "unexpected `=`"),
    ("{{ a b }}", 5, "unexpected `b`"),
    ("{{ a ** b }}", 6, "expected a value"),
    ("{{ not }}", 7, "expected a value"),
    ("{{ 1 + not 2 }}", 7, "expected a value"),
    ("{{ a.0 }}", 5, "expected a name"),
    ("{{ 012 }}", 3, "zero"),
    ("{{ 9223372036854775808 }}", 3, "64 bits"),
    ("{{ 1e999 }}", 3, "too large"),
    ("{{ a | shell }}", 7, "no filter `shell`"),
    ("{{ a | attr('__class__') }}", 7, "no filter"),
    ("{{ a is callable }}", 8, "no test"),
    ("{{ a | replace('x') }}", 7, "needs `new`"),
    ("{{ a | lower(1) }}", 13, "too many"),
    ("{{ a | round(digits=1) }}", 13, "no `digits`"),
    ("{{ a | round(1, precision=2) }}", 16, "given twice"),
    ("{{ a | round(precision=2, 'ceil') }}", 26, "unnamed argument"),
    ("{{ a | map(attribute=b) }}", 7, "plain text"),
    ("{{ a | first[0] }}", 12, "unexpected `[`"),
    ("{{ x.__class__() }}", 14, "called"),
    ("{{ " + "(" * 60 + "1" + ")" * 60 + " }}", 43, "nest"),
    ("{{ " + "-" * 60 + "1 }}", 43, "nest"),
    ("{{ " + "1 + " * 150 + "1 }}", 405, "operators"),
    ("{{ '" + "x" * 5000 + "' }}", 0, "at most 4,000"),
    ("{{ 1 }}" + "x" * 300_000, 0, "at most"),
]


@pytest.mark.parametrize(("text", "offset", "part"), REFUSED)
def test_what_is_not_of_the_language_is_refused_where_it_stands(text: str, offset: int, part: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert part in caught.value.message
    assert caught.value.offset == offset


FAILING: list[tuple[str, str]] = [
    ("{{ nowhere }}", "undefined"),
    ("{{ input.nam }}", "has no `nam`"),
    ("{{ input.name.upper }}", "is a text"),
    ("{{ input.name['__class__'] }}", "has no"),
    ("{{ input.rows[9] }}", "2 items"),
    ("{{ input.nothing.x }}", "is none"),
    ("{{ input.name + 1 }}", "calculates with numbers"),
    ("{{ 'a' * 1000000000 }}", "calculates with numbers"),
    ("{{ input.yes + 1 }}", "true or false"),
    ("{{ 1 / 0 }}", "division by zero"),
    ("{{ 1 % 0 }}", "division by zero"),
    ("{{ 9223372036854775807 + 1 }}", "64 bits"),
    ("{{ 1e308 * 10 }}", "not finite"),
    ("{{ input.n < 'x' }}", "cannot compare a number with a text"),
    ("{{ input.nothing >= 4 }}", "cannot compare none"),
    ("{{ 1 in 2 }}", "looks for"),
    ("{{ input.n | lower }}", "does not work on a number"),
    ("{{ 'x' | int }}", "is not a number"),
    ("{{ 'inf' | float }}", "is not a number"),
    ("{{ 'abc' | truncate('x') }}", "of type integer"),
    ("{{ 1.5 | round(999999999) }}", "`precision` lies"),
    ("{{ [1, 'a'] | sort }}", "together"),
    ("{{ ['a'] | sum }}", "cannot be added"),
    ("{{ [] | max }}", "empty"),
    ("{{ input.rows | map(attribute='zzz') }}", "no `zzz`"),
    ("{{ '2026-01-01' | date('%s') }}", "the pattern may hold"),
    ("{{ 'soon' | date }}", "no ISO"),
    ("{{ 1.5 is odd }}", "whole numbers"),
]


@pytest.mark.parametrize(("text", "part"), FAILING)
def test_what_cannot_be_evaluated_says_why(text: str, part: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text).evaluate(CONTEXT)
    assert part in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "{{ big | replace('x', big) }}",
        "{{ [big, big] | join }}",
        "{{ big ~ big }}",
        "{{ big }}{{ big }}",
        "{{ [big, big] | tojson }}",
    ],
)
def test_what_grows_beyond_the_bound_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match="grows beyond"):
        parse(text).evaluate({"big": "x" * 700_000})


def test_references_say_what_is_read_and_what_is_guarded() -> None:
    template = parse(
        "{{ a.b }} {{ c[0].d | default(e) ~ f[g.h] }} {{ i is defined and j }} {{ k | round(precision=l) }}"
    )
    found = {(reference.path, reference.guarded) for reference in template.references}
    assert found == {
        (("a", "b"), False),
        (("c", 0, "d"), True),
        (("e",), False),
        (("f",), False),
        (("g", "h"), False),
        (("i",), True),
        (("j",), False),
        (("k",), False),
        (("l",), False),
    }
    assert all(template.text[r.offset :].startswith(str(r.path[0])) for r in template.references)


def test_only_what_stands_under_default_is_guarded() -> None:
    guarded = {
        r.path[0]: r.guarded for r in parse("{{ a + b | default(1) + (c ~ d) | default('') }}").references
    }
    assert guarded == {"a": False, "b": True, "c": True, "d": True}


@pytest.mark.parametrize("text", ["item > 6", "{{ item > 6 }}", "  {{ item > 6 }}\n", " item > 6 "])
def test_a_condition_may_stand_with_or_without_braces(text: str) -> None:
    condition = parse_condition(text)
    assert condition.evaluate(CONTEXT) is True
    assert condition.text == text
    assert text[condition.references[0].offset :].startswith("item")


@pytest.mark.parametrize("text", ["", "  ", "a {{ b }}", "{{ a }}{{ b }}", "a }}", "{% if a %}"])
def test_a_condition_is_exactly_one_expression(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_condition(text)


def test_nested_values_are_walked_and_evaluated_and_keys_are_not() -> None:
    value = {"a": ["{{ item }}", "x{{ item }}", {"{{ item }}": 1}], "b": {"c": "plain", "d": None}}
    assert [path for path, _ in texts(value)] == [("a", 0), ("a", 1)]
    assert [(path, template.text) for path, template in walk(value)] == list(texts(value))
    assert evaluate_value(value, CONTEXT) == {
        "a": [7, "x7", {"{{ item }}": 1}],
        "b": {"c": "plain", "d": None},
    }


@pytest.mark.parametrize(
    ("text", "answer"), [("{{", True), ("{%", True), ("{#", True), ("{a} }}", False), ("", False)]
)
def test_texts_without_braces_need_no_parsing(text: str, answer: bool) -> None:
    assert has_expression(text) is answer


def test_an_undefined_name_hints_at_the_nearest() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("{{ input.nme }}").evaluate(CONTEXT)
    assert caught.value.hint == "did you mean `name`?"

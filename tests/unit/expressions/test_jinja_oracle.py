"""On the common subset, an expression gives what Jinja gives; and nothing parses that Jinja does not know."""

from __future__ import annotations

import re
from typing import Any

import jinja2
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jinja2.nativetypes import NativeEnvironment

from reconciler.errors import ExpressionError
from reconciler.expressions.template import parse
from reconciler.expressions.values import to_text

CONTEXT: dict[str, Any] = {
    "i": 7,
    "j": -3,
    "f": 2.5,
    "yes": True,
    "no": False,
    "t": "Hello wide World",
    "u": "a-b c",
    "empty": "",
    "numbers": [3, 1, 2, 3],
    "words": ["pear", "Apple", "fig", "pear"],
    "rows": [{"a": 2, "s": "y"}, {"a": 1, "s": "x"}],
    "o": {"k": 5, "deep": {"k": "v"}},
}

NATIVE = NativeEnvironment(undefined=jinja2.StrictUndefined)
TEXT = jinja2.Environment(undefined=jinja2.StrictUndefined, finalize=to_text, keep_trailing_newline=True)
for environment in (NATIVE, TEXT):
    environment.policies["truncate.leeway"] = 0
    # What the package's docstring declares to differ: true is no number.
    environment.tests["number"] = lambda value: (
        isinstance(value, (int, float)) and not isinstance(value, bool)
    )


def _binary(operators: str, left: Any, right: Any) -> Any:
    return st.builds(lambda a, o, b: f"{a} {o} {b}", left, st.sampled_from(operators.split()), right)


def _in_parentheses(inner: Any) -> Any:
    return inner.map(lambda text: f"({text})")


def _filtered(inner: Any, *filters: str) -> Any:
    return st.builds(lambda text, name: f"({text}) | {name}", inner, st.sampled_from(filters))


NUMBERS = st.deferred(
    lambda: st.one_of(
        st.sampled_from(
            ["i", "j", "f", "o.k", "o['k']", "numbers[0]", "numbers[-1]", "rows[1].a", "(nope | default(4))"]
        ),
        st.integers(0, 50).map(str),
        st.sampled_from(["0.5", "1.25e1"]),
        _in_parentheses(_binary("+ - * / // %", NUMBERS, NUMBERS)),
        _binary("+ - *", NUMBERS, NUMBERS).map(lambda text: f"({text})"),
        NUMBERS.map(lambda text: f"(-{text})"),
        _filtered(NUMBERS, "abs", "round", "round(1)", "round(0, 'floor')", "int", "float", "default(1)").map(
            "({})".format
        ),
        _filtered(TEXTS, "length", "count").map("({})".format),
        _filtered(LISTS, "length", "count").map("({})".format),
        st.sampled_from(
            [
                "(numbers | sum)",
                "(rows | sum(attribute='a'))",
                "(numbers | min)",
                "(rows|map(attribute='a')|max)",
            ]
        ),
        st.builds(lambda a, c, b: f"({a} if {c} else {b})", NUMBERS, CONDITIONS, NUMBERS),
    )
)
TEXTS = st.deferred(
    lambda: st.one_of(
        st.sampled_from(
            [
                "t",
                "u",
                "empty",
                "'x y'",
                '"q"',
                "o.deep.k",
                "words[1]",
                r"'a\n\u00e9'",
                "(nope | default('d'))",
            ]
        ),
        _in_parentheses(_binary("~", TEXTS, TEXTS)),
        _filtered(
            TEXTS,
            "lower",
            "upper",
            "title",
            "capitalize",
            "trim",
            "trim('a')",
            "replace('e', 'oo')",
            "replace('l', '', 1)",
            "truncate(6)",
            "truncate(6, true)",
            "truncate(5, end='-')",
            "string",
            "reverse",
        ).map("({})".format),
        _filtered(LISTS, "join", "join(', ')").map("({})".format),
        st.sampled_from(
            [
                "(words | first)",
                "(words | sort | last)",
                "(words | min)",
                "(i ~ t)",
                "(rows | join(attribute='s'))",
            ]
        ),
    )
)
LISTS = st.deferred(
    lambda: st.one_of(
        st.sampled_from(
            ["numbers", "words", "(rows | map(attribute='s') | list)", "[1, 2,]", "[]", "(t | list)"]
        ),
        st.lists(NUMBERS, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        _filtered(
            st.sampled_from(["numbers", "words"]),
            "sort",
            "sort(true)",
            "sort(reverse=true, case_sensitive=true)",
            "unique | list",
            "reverse | list",
            "list",
        ).map("({})".format),
    )
)
CONDITIONS = st.deferred(
    lambda: st.one_of(
        st.sampled_from(
            [
                "yes",
                "no",
                "true",
                "False",
                "nope is defined",
                "nope is not defined",
                "o is mapping",
                "1 < 2 < 3",
            ]
        ),
        _binary("== != < <= > >=", NUMBERS, NUMBERS).map("({})".format),
        _binary("== != < in", TEXTS, TEXTS).map("({})".format),
        st.builds(lambda a, b: f"({a} not in {b})", NUMBERS, LISTS),
        _binary("and or", CONDITIONS, CONDITIONS).map("({})".format),
        CONDITIONS.map(lambda text: f"(not {text})"),
        st.builds(
            lambda a, test: f"({a} is {test})",
            NUMBERS,
            st.sampled_from(
                ["none", "not none", "number", "integer", "float", "string", "in [7, 2]", "true"]
            ),
        ),
        st.sampled_from(
            ["i is odd", "i is divisibleby 7", "(i is divisibleby(2))", "t is not string", "'k' in o"]
        ),
    )
)
EXPRESSIONS = st.one_of(NUMBERS, TEXTS, LISTS, CONDITIONS)


def _theirs(text: str) -> Any:
    return NATIVE.compile_expression(text, undefined_to_none=False)(**CONTEXT)


@settings(max_examples=250, deadline=None)
@given(EXPRESSIONS)
def test_typed_expressions_give_what_jinja_gives(text: str) -> None:
    try:
        ours = parse("{{ " + text + " }}").evaluate(CONTEXT)
    except ExpressionError as error:
        # Bounds are ours alone; whatever else we refuse must fail there too.
        if not any(
            part in error.message for part in ("zero", "at most", "64 bits", "finite", "out of range")
        ):
            raise
        return
    theirs = _theirs(text)
    assert ours == theirs
    assert type(ours) is type(theirs)


OPERATORS = [
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "~",
    "==",
    "!=",
    "<",
    ">=",
    "and",
    "or",
    "in",
    "not in",
    "if",
    "else",
]
FLAT = st.lists(
    st.tuples(
        st.sampled_from(["", "", "", "-", "not "]),
        st.sampled_from(["i", "j", "f", "2", "0.5", "numbers[1]", "o.k", "yes", "t", "numbers"]),
        st.sampled_from(
            [
                "",
                "",
                "",
                "|abs",
                "|default(1)",
                "|string|length",
                " is odd",
                " is number",
                " is in [2]",
                "[0]",
            ]
        ),
        st.sampled_from(OPERATORS),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=250, deadline=None)
@given(FLAT)
def test_operators_bind_as_in_jinja(parts: list[tuple[str, str, str, str]]) -> None:
    text = " ".join(f"{sign}{value}{suffix} {operator}" for sign, value, suffix, operator in parts)
    text = text.rsplit(" ", 2 if text.endswith("not in") else 1)[0]
    # Jinja takes these words for the argument of a test that has none, and computes constants unasked.
    assume(not re.search(r"is (odd|number) (in|if|not)\b|[25]\[0\]", text))
    try:
        template = parse("{{ " + text + " }}")
    except ExpressionError:
        return
    NATIVE.parse("{{ " + text + " }}")
    try:
        ours = template.evaluate(CONTEXT)
    except ExpressionError:
        return
    theirs = _theirs(text)
    if isinstance(theirs, str):
        theirs = theirs.replace("True", "true").replace("False", "false")
    assert ours == theirs


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(st.sampled_from(["a", " ", "}}", "\n", "é", "{ "]), TEXTS.map(lambda e: "{{ " + e + " }}"))
    )
)
def test_texts_around_expressions_stay_as_they_are(parts: list[str]) -> None:
    text = "".join(parts) + "."
    try:
        ours = parse(text).evaluate(CONTEXT)
    except ExpressionError:
        return
    assert ours == TEXT.from_string(text).render(CONTEXT)


@settings(max_examples=250, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "{{",
                "}}",
                "(",
                ")",
                "[",
                "]",
                ".",
                ",",
                "|",
                "=",
                "~",
                "+",
                "not",
                "in",
                "is",
                "if",
                "else",
                "none",
                "1",
                "'a'",
                "x",
                "default(",
                "d",
                ":",
                "*",
                "**",
                "{%",
                "\\",
                '"',
                "é",
            ]
        )
    )
)
def test_any_text_either_parses_or_is_refused_with_a_place_in_it(parts: list[str]) -> None:
    text = "{{ " + " ".join(parts) + " }}"
    try:
        parse(text)
    except ExpressionError as error:
        if not 0 <= error.offset <= len(text):
            raise
        return
    jinja2.Environment().parse(text)

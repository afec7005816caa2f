"""No text takes a tool more than time in proportion to its length."""

from __future__ import annotations

import time
from typing import Any

import pytest

from reconciler.errors import OutputTooLarge, TimedOut
from tests.unit.tools.calls import call

LENGTH = 100_000


def repeated(piece: str, length: int) -> str:
    return piece * (length // len(piece))


MARKUP = [
    "<", "<a ", "<a", "</", "</a ", "<!--", "<!", "<?", '<a b="', "<a b='\"", "<a b=c ", "<script>", "<title>",
    "<b><p>", "<div>", "&", "&#", "&amp", "&#x", "<a =", "='\"", "<pre>", "<table><a>", "<svg", "<!-- -", "<p/", "<a\n",
]  # fmt: skip


def took(tool: str, params: dict[str, Any]) -> float:
    """Seconds of the processor, which others that use it do not change; the best of two."""
    times = []
    for _ in range(2):
        started = time.process_time()
        call(tool, params)
        times.append(time.process_time() - started)
    return min(times)


def grows_linearly(tool: str, text: str, params: dict[str, Any], name: str = "text") -> bool:
    """Whether a text four times as long takes not much more than four times as long: quadratic would be sixteen."""
    quarter = took(tool, {**params, name: text[: len(text) // 4]})
    return took(tool, {**params, name: text}) < 9 * quarter + 0.02


@pytest.mark.parametrize("piece", MARKUP)
@pytest.mark.parametrize("before", ["", "<a ", "<a x='", "<!--", "&#"])
def test_reading_html_is_linear(before: str, piece: str) -> None:
    assert grows_linearly("html_to_text", before + repeated(piece, LENGTH), {}, "html")


@pytest.mark.parametrize(
    "piece", ["\n", ".", " ", '."', "a ", "a", "\n ", ".))) ", ". ", "。", "\n\n", "a.\n\n", "...\n"]
)
def test_splitting_is_linear(piece: str) -> None:
    assert grows_linearly("text_splitter", repeated(piece, LENGTH), {"chunk_size": 1000, "overlap": 100})


@pytest.mark.parametrize("words", [["a"], ["aab"], ["a" * 1000 + "b"], ["a a a b"], ["a*"], ["ab*", "ba"]])
@pytest.mark.parametrize("piece", ["a", "a ", "ab"])
def test_classifying_is_linear(piece: str, words: list[str]) -> None:
    params = {"rules": {"x": words}, "default": "y"}
    assert grows_linearly("keyword_classifier", repeated(piece, LENGTH), params)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|aa)+$", "(a|a?)+b", "(.*)*x", "^(([a-z])+.)+[A-Z]([a-z])+$"]
)
def test_a_pattern_that_takes_others_ages_is_linear(pattern: str) -> None:
    assert grows_linearly("text_extract", repeated("a", LENGTH), {"patterns": {"x": pattern}})


def test_matches_that_each_read_all_of_the_rest_are_bounded_in_number_and_time() -> None:
    params = {"text": "a" * 1_000_000, "patterns": {"x": "a(.*b)?"}, "all": True}
    started = time.monotonic()
    with pytest.raises((TimedOut, OutputTooLarge)):
        call("text_extract", params, seconds=1)
    assert time.monotonic() - started < 2

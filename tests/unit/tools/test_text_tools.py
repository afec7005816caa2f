"""The tools that work on texts and values alone, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import BadParameter, OutputTooLarge, RunError
from tests.unit.tools.calls import call

LETTER = "First sentence here. Second one! Third?\n\nA paragraph that is longer than that.\n\nLast."


@pytest.mark.parametrize(
    ("text", "size", "overlap", "chunks"),
    [
        ("", 10, 0, []),
        (" \n\n ", 10, 0, []),
        ("short", 10, 0, ["short"]),
        ("  short  ", 5, 0, ["short"]),
        ("one two three", 7, 0, ["one two", "three"]),
        ("one two three", 100, 99, ["one two three"]),
        ("one two three four", 9, 4, ["one two", "two three", "four"]),
        ("abcdefghij", 4, 0, ["abcd", "efgh", "ij"]),
        ("abcdefghij", 4, 2, ["abcd", "cdef", "efgh", "ghij"]),
        ("a. b. c.", 5, 0, ["a. b.", "c."]),
        ("He said: „Go!” Then he went.", 16, 0, ["He said: „Go!”", "Then he went."]),
        ("これは文です。次の文です。", 9, 0, ["これは文です。", "次の文です。"]),
        ("one\r\n\r\ntwo three", 9, 0, ["one", "two three"]),
        ("x\n \n\t\ny", 2, 0, ["x", "y"]),
        (
            LETTER,
            45,
            0,
            ["First sentence here. Second one! Third?", "A paragraph that is longer than that.\n\nLast."],
        ),
        (
            LETTER,
            25,
            0,
            [
                "First sentence here.",
                "Second one! Third?",
                "A paragraph that is",
                "longer than that.\n\nLast.",
            ],
        ),
        (
            LETTER,
            45,
            12,
            [
                "First sentence here. Second one! Third?",
                "one! Third?\n\nA paragraph that is longer than",
                "longer than that.\n\nLast.",
            ],
        ),
    ],
)
def test_a_text_is_cut_where_it_ends_something(text: str, size: int, overlap: int, chunks: list[str]) -> None:
    result = call("text_splitter", {"text": text, "chunk_size": size, "overlap": overlap})
    assert result == {"chunks": chunks, "count": len(chunks)}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 20, 50, 1000])
@pytest.mark.parametrize("overlap", [0, 1, 2, 19])
def test_no_word_is_lost_and_no_chunk_too_long(size: int, overlap: int) -> None:
    if overlap >= size:
        return
    chunks = call("text_splitter", {"text": LETTER, "chunk_size": size, "overlap": overlap})["chunks"]
    assert all(0 < len(chunk) <= size and chunk == chunk.strip() for chunk in chunks)
    position = 0
    for chunk in chunks:  # each stands in the text, and nothing but blanks lies between it and the one before
        place = LETTER.index(chunk, max(0, position - overlap))
        assert LETTER[position : max(position, place)].strip() == ""
        position = max(position, place + len(chunk))
    assert LETTER[position:].strip() == ""


def test_an_overlap_that_repeats_a_text_beyond_measure_is_refused() -> None:
    with pytest.raises(OutputTooLarge):
        call("text_splitter", {"text": "a" * 100_000, "chunk_size": 10_000, "overlap": 9_999})


ORDER = "Order 12 of Jörg: 3 × ä45, total €99.50\nOrder 13"


@pytest.mark.parametrize(
    ("pattern", "first", "every"),
    [
        (r"Order (\d+)", "12", ["12", "13"]),
        (r"Order \d+", "Order 12", ["Order 12", "Order 13"]),
        (r"of (\S+):", "Jörg", ["Jörg"]),
        (r"ä([0-9]+)", "45", ["45"]),
        (r"€(\d+)\.(\d+)", "99", ["99"]),
        (r"(?i)ORDER 13$", "Order 13", ["Order 13"]),
        (r"(?m)^Order (\d+)$", "13", ["13"]),
        (r"total (\$[0-9]+)?", None, []),
        (r"nothing", None, []),
        (r"\p{Lu}(\pL+)", "rder", ["rder", "örg", "rder"]),
        (r"(?P<name>Jör)g", "Jör", ["Jör"]),
        (r"(?:12|13)", "12", ["12", "13"]),
    ],
)
def test_parts_of_a_text_are_found(pattern: str, first: str | None, every: list[str]) -> None:
    params = {"text": ORDER, "patterns": {"found": pattern}}
    assert call("text_extract", params) == {"found": first}
    assert call("text_extract", {**params, "all": True}) == {"found": every}


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "(?=a)", "a" * 501, r"\Z", 3, None, "\ud800"])
def test_a_pattern_that_is_none_of_the_linear_kind_is_refused(
    pattern: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BadParameter) as caught:
        call("text_extract", {"text": "aab", "patterns": {"a": pattern}})
    assert caught.value.where == "step/with/patterns/a"
    assert capfd.readouterr().err == ""


def test_more_matches_than_anybody_reads_are_refused() -> None:
    with pytest.raises(OutputTooLarge):
        call("text_extract", {"text": "a" * 10_001, "patterns": {"a": "a"}, "all": True})


RULES = {"bug": ["crash*", "error"], "billing": ["invoice", "credit note", "c++"], "語": ["請求", "B2B"]}


@pytest.mark.parametrize(
    ("text", "label", "matches"),
    [
        ("", "other", []),
        ("Nothing of it", "other", []),
        ("It crashed", "bug", ["crash*"]),
        ("CRASH, and an Error!", "bug", ["crash*", "error"]),
        ("terror errors", "other", []),
        ("error_code", "other", []),
        ("error: invoice", "bug", ["error"]),
        ("error: invoice invoice", "billing", ["invoice"]),
        ("a credit\n  note", "billing", ["credit note"]),
        ("credit notes", "other", []),
        ("(invoice)", "billing", ["invoice"]),
        ("I like C++.", "billing", ["c++"]),
        ("ABC++", "other", []),
        ("ご請求の件", "語", ["請求"]),
        ("b2b", "語", ["B2B"]),
        ("İNVOICE STRASSE", "other", []),
    ],
)
def test_the_label_with_most_hits_wins_and_the_first_on_a_tie(
    text: str, label: str, matches: list[str]
) -> None:
    result = call("keyword_classifier", {"text": text, "rules": RULES, "default": "other"})
    assert result == {"label": label, "category": label, "matches": matches}


@pytest.mark.parametrize(("word", "label"), [("Crash", "bug"), ("crash", "other"), ("CRASH", "other")])
def test_case_may_matter(word: str, label: str) -> None:
    params = {"text": word, "rules": {"bug": ["Crash"]}, "default": "other", "case_sensitive": True}
    assert call("keyword_classifier", params)["label"] == label


@pytest.mark.parametrize("words", ["crash", [], [""], [1], None, {"a": 1}])
def test_a_rule_that_is_no_list_of_words_is_refused_at_its_place(words: Any) -> None:
    with pytest.raises(BadParameter) as caught:
        call("keyword_classifier", {"text": "a", "rules": {"bug": words}, "default": "other"})
    assert caught.value.where == "step/with/rules/bug"


def test_a_template_gives_its_text() -> None:
    assert call("template", {"template": "Hello"}) == {"text": "Hello"}


def test_a_transformation_gives_its_values() -> None:
    values = {"a": 1, "b": [None, {"c": "d"}], "e": None}
    assert call("json_transform", {"values": values}) == values


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("text_splitter", {}, ""),
    ("text_splitter", {"text": "a", "chunk_size": 0}, "/chunk_size"),
    ("text_splitter", {"text": "a", "chunk_size": 5, "overlap": 5}, "/overlap"),
    ("text_splitter", {"text": "a", "overlap": -1}, "/overlap"),
    ("text_splitter", {"text": "a", "overlap": "1"}, "/overlap"),
    ("text_extract", {"text": "a"}, ""),
    ("text_extract", {"text": "a", "patterns": "b"}, "/patterns"),
    ("text_extract", {"text": "a", "patterns": {}, "all": "yes"}, "/all"),
    ("template", {"text": "a"}, "/text"),
    ("template", {"template": None}, ""),
    ("keyword_classifier", {"text": "a", "rules": {}}, ""),
    ("keyword_classifier", {"text": "a", "rules": [], "default": "b"}, "/rules"),
    ("keyword_classifier", {"text": "a", "rules": {}, "default": "b" * 64}, "/default"),
    ("json_transform", {}, ""),
    ("json_transform", {"values": [1]}, "/values"),
    ("html_to_text", {"html": None}, ""),
    ("html_to_text", {"html": "a", "text": "b"}, "/text"),
    ("http_request", {"url": "http://a/", "method": "get"}, "/method"),
    ("http_request", {"url": "http://a/", "headers": "a: b"}, "/headers"),
    ("http_request", {"url": "http://a/", "query": ["a"]}, "/query"),
    ("http_request", {"url": "http://a/", "output": []}, "/output"),
    ("http_request", {"url": "http://a/", "token_secret": 1}, "/token_secret"),
]


@pytest.mark.parametrize(("tool", "params", "place"), BAD)
def test_a_parameter_that_does_not_fit_its_tool_is_refused(
    tool: str, params: dict[str, Any], place: str
) -> None:
    with pytest.raises(RunError) as caught:
        call(tool, params)
    assert (caught.value.code, caught.value.where) == ("bad_parameter", f"step/with{place}")

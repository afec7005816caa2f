"""Whatever a text is, the tools of texts give what they declare, and lose nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.tools.html_scanner import scan
from reconciler.tools.text_splitter import split
from tests.unit.tools.calls import call

PIECES = st.sampled_from(["a", "word ", ". ", "。", "\n", "\n\n", " ", "\t", "!”", "é", "\x1c"])
TEXTS = st.lists(PIECES, max_size=60).map("".join)
MARKS = [
    "<", ">", "</", "/>", "<!--", "-->", "<a ", "href=", "'", '"', "=", "<script>", "</script>", "&", "&lt;", "&#",
    "9", ";", "<p>", "<title>", "</title>", "<pre>", "</pre>", "\n", " ", "x",
]  # fmt: skip
MARKUP = st.lists(st.sampled_from(MARKS), max_size=40).map("".join)


@given(TEXTS, st.integers(1, 30), st.integers(0, 29))
def test_chunks_hold_every_character_but_blanks_in_order(text: str, size: int, overlap: int) -> None:
    overlap = min(overlap, size - 1)
    chunks = [*split(text, size, overlap)]
    assert all(0 < len(chunk) <= size and chunk == chunk.strip() and chunk in text for chunk in chunks)
    if overlap == 0:
        assert "".join("".join(chunks).split()) == "".join(text.split())


@given(TEXTS, st.integers(2, 30), st.integers(1, 29))
def test_what_is_repeated_is_no_longer_than_the_overlap(text: str, size: int, overlap: int) -> None:
    overlap = min(overlap, size - 1)
    chunks = [*split(text, size, overlap)]
    characters = sum(len("".join(chunk.split())) for chunk in chunks)
    repeated = characters - len("".join(text.split()))
    assert 0 <= repeated <= overlap * max(0, len(chunks) - 1)


@given(MARKUP | st.text(max_size=60))
def test_any_page_is_read(html: str) -> None:
    result = call("html_to_text", {"html": html.encode(errors="replace").decode()})
    assert set(result) == {"text", "title", "links"}
    assert (
        all(line == " ".join(line.split()) and line for line in result["text"].split("\n"))
        or not result["text"]
    )


@given(st.text(alphabet=st.characters(exclude_characters="<&", exclude_categories=["Cs"]), max_size=80))
def test_a_text_without_markup_is_passed_on(text: str) -> None:
    assert "".join(piece for piece in scan(text) if isinstance(piece, str)) == text

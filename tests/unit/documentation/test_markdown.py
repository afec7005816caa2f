"""Texts of strangers in Markdown: whatever they are, a reader sees them as they are, and nothing else."""

from __future__ import annotations

import html
import re

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reconciler.documentation.markdown import code, fence, one_line, prose, table

PARSER = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")
SIGNS = st.text(st.sampled_from("\\`*_{}[]()#+-.!|~<>&:@/=^$'\" \n\tab1;"), max_size=24)
TEXTS = SIGNS | st.text(max_size=40)


def seen(markdown: str) -> str:
    """What a reader sees of a paragraph; fails where it is anything but one."""
    page = PARSER.render(markdown).rstrip("\n")
    assert page[:3] == "<p>", page
    assert page[-4:] == "</p>", page
    inner = page.removeprefix("<p>").removesuffix("</p>")
    assert "<" not in inner, page
    return html.unescape(inner)


@given(TEXTS)
@example("1. one")
@example("1) one")
@example("+ one")
@example("===")
@example("&amp;lt;")
@example("<http://example.com>")
@example("a_b_c *d*")
def test_running_text_is_seen_as_it_is(text: str) -> None:
    line = one_line(text)
    assert not line or seen(prose(text)) == line


@given(TEXTS)
def test_running_text_is_seen_as_it_is_in_a_cell(text: str) -> None:
    page = PARSER.render("\n".join(table(("a", "b"), [(prose(text), "end")])))
    cells = re.findall(r"<td>(.*?)</td>", page, re.DOTALL)
    assert [html.unescape(cell) for cell in cells] == [one_line(text), "end"]


@given(TEXTS)
def test_code_is_seen_as_it_is_in_a_cell(text: str) -> None:
    page = PARSER.render("\n".join(table(("a", "b"), [(code(text), "end")])))
    cells = re.findall(r"<td>(.*?)</td>", page, re.DOTALL)
    line = one_line(text)
    shown = f"<code>{html.escape(line, quote=False)}</code>" if line else ""
    assert [html.unescape(cell) for cell in cells] == [html.unescape(shown), "end"]


@given(TEXTS)
def test_a_block_ends_where_it_is_meant_to(text: str) -> None:
    page = PARSER.render("\n".join([*fence(text, "sh"), "behind it"]))
    assert page.count("<pre>") == 1
    assert page.endswith("<p>behind it</p>\n")

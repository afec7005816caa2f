"""The readable text of a page."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.tools.calls import call


def read(html: str) -> dict[str, Any]:
    result: dict[str, Any] = call("html_to_text", {"html": html})
    return result


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("plain text", "plain text"),
        ("<p>Hello <b>wor</b>ld</p>", "Hello world"),
        ("<p>one</p><p>two", "one\ntwo"),
        ("<div><div>one</div> two<br>three<hr>four</div>", "one\ntwo\nthree\nfour"),
        ("<ul><li>a<li>b</ul>c", "a\nb\nc"),
        ("<table><tr><td>a<td>b<tr><th>c</table>", "a b\nc"),
        ("a\n  b\t\tc\xa0d", "a b c d"),
        ("<pre>a\n  b</pre>c\nd", "a\nb\nc d"),
        ("<h1>T</h1>x", "T\nx"),
        ("<title>T</title>x", "x"),
        ("a<script>alert('<p>b</p>')</script>c", "ac"),
        ("a<SCRIPT>x</p></ScRiPt >b", "ab"),
        ("a<style>p > b {}</style>b", "ab"),
        ("a<template><p>b</p></template>c", "ac"),
        ("a<script>never closed <p>b", "a"),
        ("a<!-- <p>b</p> -->c", "ac"),
        ("a<!-->b", "ab"),
        ("a<!-- never closed <p>b", "a"),
        ("<!DOCTYPE html><?xml version='1'?><html><body>a", "a"),
        ("<![CDATA[x]]>a", "a"),
        ("&lt;b&gt; &amp;amp; &eacute; &#233; &#xE9; &nosuch; &", "<b> &amp; é é é &nosuch; &"),
        ("&#" + "9" * 10_000 + ";a", "\ufffd;a"),
        ("&#0;&#x110000;", "\ufffd\ufffd"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("a <3 b", "a <3 b"),
        ("a</>b</ >c", "abc"),
        ("<p title='a > b'>c", "c"),
        ('<p title="a > b" x=\'">\'>c', "c"),
        ("<p title=it's>c", "c"),
        ("<p title = x y>c", "c"),
        ("<p/x='>'>c", "c"),
        ("a<b", "a"),
        ("a<b c='", "a"),
        ("a<textarea><b>b</b></textarea>c", "a<b>b</b>c"),
        ("<svg><title>no</title></svg>a", "a"),
        ("\ud83d\ude00"[:0] + "😀<i>ß</i>", "😀ß"),
        ("<custom-element>a</custom-element>b", "ab"),
    ],
)
def test_text_is_what_a_reader_sees(html: str, text: str) -> None:
    assert read(html)["text"] == text


@pytest.mark.parametrize(
    ("html", "title"),
    [
        ("<p>a", None),
        ("<title></title>", None),
        ("<title> A &amp;\n B </title><title>C</title>", "A & B"),
        ("<title><b>A</b></title>", "<b>A</b>"),
        ("<svg><title>no</title></svg><title>yes</title>", "yes"),
    ],
)
def test_a_title_is_the_first_there_is(html: str, title: str | None) -> None:
    assert read(html)["title"] == title


@pytest.mark.parametrize(
    ("html", "links"),
    [
        ("<a>x</a><a href=''>x</a>", []),
        ("<a href='https://a.example.com/?a=1&amp;b=2'>x</a>", ["https://a.example.com/?a=1&b=2"]),
        ("<A HREF=/b>x</A><a href=/b>y</a><a href='c d'>z</a>", ["/b", "c d"]),
        ("<a href='#top'>x</a><a href='mailto:a@example.com'>", ["mailto:a@example.com"]),
        ("<a href=javascript:alert(1)>x</a><a href=' JAVA\nSCRIPT:x'>y</a><a href='data:text/html,a'>", []),
        ("<!-- <a href=x> --><script><a href=y></script>", []),
        ("<a href=x href=y>", ["x"]),
        ("<link href=x><img src=y>", []),
        ("<a href='a:b'>", []),
        ("<a href='/a:b'>", ["/a:b"]),
    ],
)
def test_links_are_the_addresses_that_can_be_followed(html: str, links: list[str]) -> None:
    assert read(html)["links"] == links

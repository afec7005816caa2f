"""html_to_text: the readable text of a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.tools.declarations.text import HTML_TO_TEXT
from reconciler.tools.html_scanner import EndTag, StartTag, scan
from reconciler.tools.tool import Tool, ToolContext

_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd"),
        *("details", "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure"),
        *("footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html"),
        *("legend", "li", "main", "menu", "nav", "ol", "option", "p", "pre", "section", "select"),
        *("summary", "table", "tbody", "tfoot", "thead", "tr", "ul"),
    }
)
"""Elements that begin and end a line of their own."""

_CELLS = frozenset({"td", "th"})
_ADDRESSES = ("http://", "https://", "mailto:", "tel:")


class HtmlToText(Tool):
    declaration = HTML_TO_TEXT
    honours_deadline = True

    def execute(self, context: ToolContext, params: Mapping[str, Any]) -> dict[str, Any]:
        page = _Page()
        for piece in scan(params["html"]):
            context.remaining()
            page.take(piece)
        return {"text": page.text(), "title": page.title, "links": [*page.links]}


class _Page:
    """What has been read of a page so far. `links` keeps their order."""

    def __init__(self) -> None:
        self.title: str | None = None
        self.links: dict[str, None] = {}
        self._lines: list[str] = []
        self._line: list[str] = []
        self._preformatted = 0

    def take(self, piece: str | StartTag | EndTag) -> None:
        match piece:
            case str():
                self._take_text(piece)
            case StartTag("title", _, text):
                self.title = self.title or " ".join(text.split()) or None
            case StartTag():
                self._start(piece)
            case EndTag():
                self._break(piece.name)
                if piece.name == "pre":
                    self._preformatted = max(0, self._preformatted - 1)

    def text(self) -> str:
        self._end_line()
        return "\n".join(self._lines)

    def _start(self, tag: StartTag) -> None:
        self._break(tag.name)
        if tag.name == "pre":
            self._preformatted += 1
        elif tag.name == "a":
            self._link(tag.attributes.get("href", ""))
        if tag.text:
            self._take_text(tag.text)

    def _link(self, address: str) -> None:
        address = "".join(address.split("\n")).strip()
        scheme, colon, _ = address.partition(":")
        foreign = colon and scheme.replace("+", "").isalnum() and not address.lower().startswith(_ADDRESSES)
        if address and not address.startswith("#") and not foreign:
            self.links[address] = None

    def _take_text(self, text: str) -> None:
        if not self._preformatted:
            self._line.append(text)
            return
        first, *others = text.split("\n")
        self._line.append(first)
        for line in others:
            self._end_line()
            self._line.append(line)

    def _break(self, element: str) -> None:
        if element in _BLOCKS:
            self._end_line()
        elif element in _CELLS:
            self._line.append(" ")

    def _end_line(self) -> None:
        line = " ".join("".join(self._line).split())
        if line:
            self._lines.append(line)
        self._line.clear()

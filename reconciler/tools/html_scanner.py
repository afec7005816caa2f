"""HTML as a sequence of tags and texts, read once from front to back.

A tree is not wanted here, and building one after the rules of browsers takes more than linear time on pages made for
it. So does the parser of the standard library in some of its versions. Here, whatever is looked for and not found is
not looked for again: nothing of what follows is read then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape

_NAME = re.compile(r"[a-z][^\s/>]*+", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""[\s/]*+(?:(?P<name>[^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:"(?P<d>[^"]*+)"|'(?P<s>[^']*+)'|(?P<u>[^\s>"'][^\s>]*+)))?)?"""
)
_DROPPED = frozenset(
    ["script", "style", "template", "iframe", "noembed", "noframes", "object", "svg", "math"]
)
"""Elements of which nothing is read."""

_PLAIN = frozenset({"title", "textarea"})
"""Elements that hold text alone, whatever it looks like."""

_CLOSING = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _DROPPED | _PLAIN}
_LONG_NUMBER = re.compile(r"&#[0-9]{9}[0-9]*|&#[xX][0-9a-fA-F]{9}[0-9a-fA-F]*")


@dataclass(frozen=True, slots=True)
class StartTag:
    """`name` and the names of attributes are in lower case; `text` is the content of an element of text alone."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class EndTag:
    name: str


def scan(html: str) -> Iterator[str | StartTag | EndTag]:
    """Tags, and the texts between them with their character references resolved."""
    position = 0
    while (opening := html.find("<", position)) >= 0:
        if opening > position:
            yield _resolved(html[position:opening])
        if html.startswith("<!--", opening):
            position = _behind("-->", html, opening + 2)
        elif name := _NAME.match(html, opening + 1):
            tag, position = _start_tag(html, name)
            if tag is not None:
                yield tag
        elif name := _NAME.match(html, opening + 2) if html.startswith("</", opening) else None:
            _, position = _attributes(html, name.end())
            yield EndTag(name[0].lower())
        elif html.startswith(("</", "<!", "<?"), opening):
            position = _behind(">", html, opening)
        else:
            yield "<"
            position = opening + 1
    if position < len(html):
        yield _resolved(html[position:])


def _start_tag(html: str, found: re.Match[str]) -> tuple[StartTag | None, int]:
    """None for an element that is dropped; and where to read on."""
    name = found[0].lower()
    attributes, position = _attributes(html, found.end())
    if name not in _CLOSING:
        return StartTag(name, attributes), position
    closing = _CLOSING[name].search(html, position)
    end = closing.start() if closing else len(html)
    if name in _DROPPED:
        return None, end
    return StartTag(name, attributes, _resolved(html[position:end])), end


def _attributes(html: str, position: int) -> tuple[dict[str, str], int]:
    """Up to and with the `>` of a tag."""
    attributes: dict[str, str] = {}
    while position < len(html):
        if html[position] == ">":
            return attributes, position + 1
        found = _ATTRIBUTE.match(html, position)
        if found is None:
            break  # never: it matches nothing at all as well
        position = found.end()
        if found["name"]:
            value = found["d"] or found["s"] or found["u"] or ""
            attributes.setdefault(found["name"].lower(), _resolved(value))
    return attributes, len(html)


def _behind(mark: str, html: str, position: int) -> int:
    found = html.find(mark, position)
    return len(html) if found < 0 else found + len(mark)


def _resolved(text: str) -> str:
    """Character references as the characters they mean. Numbers too long to be one are taken out of its way first."""
    if "&" not in text:
        return text
    return unescape(_LONG_NUMBER.sub("\N{REPLACEMENT CHARACTER}", text))

"""Markdown -> a page of HTML that needs nothing else: one style sheet inside, no script, no request."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.documentation.markdown import fence

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

STYLE = """\
:root{color-scheme:light dark;--line:#d0d7de;--soft:#f6f8fa;--link:#0550ae;--ink:#1f2328;--paper:#fff}
@media(prefers-color-scheme:dark){:root{--line:#3d444d;--soft:#161b22;--link:#79b8ff;--ink:#e6edf3;--paper:#0d1117}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:62rem;padding:1.5rem;font:16px/1.6 system-ui,sans-serif;color:var(--ink);\
background:var(--paper)}
a{color:var(--link)}h1,h2,h3{line-height:1.25;margin:2em 0 .6em}h1{margin-top:0}h2{border-bottom:1px solid var(--line)}
table{border-collapse:collapse;display:block;overflow-x:auto;max-width:100%}
th,td{border:1px solid var(--line);padding:.35rem .7rem;text-align:left;vertical-align:top}th{background:var(--soft)}
code{background:var(--soft);padding:.1em .3em;border-radius:4px;font:.9em ui-monospace,monospace;\
overflow-wrap:anywhere}
pre{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:1rem;overflow-x:auto}
figure{margin:1rem 0;overflow-x:auto}svg{display:block;font-family:system-ui,sans-serif}
pre code{padding:0;background:none;overflow-wrap:normal}
"""


def html_page(title: str, markdown: str, drawings: Mapping[str, str] = MappingProxyType({})) -> str:
    """Headings get an id that links can lead to, the same that GitHub gives them; a block of Mermaid its drawing."""
    body: str = _renderer().render(markdown)
    for source, drawing in drawings.items():
        body = body.replace(_block(source), f"<figure>{drawing}</figure>\n", 1)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{_with_anchors(body)}</main>\n</body>\n</html>\n"
    )


def _block(source: str) -> str:
    """A block of Mermaid as it is rendered."""
    block: str = _renderer().render("\n".join(fence(source, "mermaid")))
    return block


@cache
def _renderer() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table")


_HEADING = re.compile(r"<h([1-6])>(.*?)</h\1>")
_TAG = re.compile(r"<[^>]*>")


def _with_anchors(body: str) -> str:
    taken: dict[str, int] = {}

    def anchored(match: re.Match[str]) -> str:
        slug = anchor(html.unescape(_TAG.sub("", match[2])))
        count = taken[slug] = taken.get(slug, -1) + 1
        name = f"{slug}-{count}" if count else slug
        return f'<h{match[1]} id="{html.escape(name)}">{match[2]}</h{match[1]}>'

    return _HEADING.sub(anchored, body)


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")

"""A document: Markdown for people, data for programs, HTML made of the Markdown when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Document:
    """`data` is the same as a JSON object. `drawings` are SVG by the text of the Mermaid block that each stands for."""

    title: str
    markdown: str
    data: Mapping[str, Any] = field(default_factory=dict)
    drawings: Mapping[str, str] = field(default_factory=dict)

    def html(self) -> str:
        """A whole page that needs nothing else: no script, no request."""
        from reconciler.documentation.page import html_page

        return html_page(self.title, self.markdown, self.drawings)

"""Pages of types: complete, always the same, and nothing but pages whatever a manifest says."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt

from reconciler.documentation.generator import (
    DocumentationGenerator,
    agent_creation_guide,
    examples,
    frontend_integration,
    type_documentation,
)
from reconciler.errors import NotFound, UsageError
from reconciler.spec.agent_type import AgentType
from tests.unit.documentation.hostile import ATTACKS, SECRET, hostile_type, shipped, shipped_types
from tests.unit.documentation.random_types import random_type

PAGE = {"html", "head", "meta", "title", "style", "body", "main"}
TEXT = {"h1", "h2", "h3", "p", "ul", "ol", "li", "a", "strong", "em", "code", "pre"}
DRAWN = {"figure", "svg", "defs", "marker", "path", "rect", "text"}
TAGS_OF_PAGES = PAGE | TEXT | DRAWN | {"table", "thead", "tbody", "tr", "th", "td"}


class _Seen(HTMLParser):
    """Tags, attributes and visible text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


def headings(markdown: str) -> list[str]:
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    return [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]


@pytest.mark.parametrize("agent_type", shipped_types(), ids=lambda found: found.name)
def test_a_page_has_every_chapter_and_every_field(agent_type: AgentType) -> None:
    document = DocumentationGenerator(shipped()).type(agent_type.name)
    chapters = {
        "Settings",
        "Input",
        "Output",
        "Tables",
        "Pipeline",
        "Tools",
        "Limits",
        "Errors",
        "Versions",
        "Examples",
    }
    assert chapters <= set(headings(document.markdown))
    spec = agent_type.spec
    for fields in (spec.settings, spec.input, *(model.fields for model in spec.models.values())):
        assert all(f"`{name}`" in document.markdown for name in fields)
    assert all(
        f"```{language}" in document.markdown for language in ("sh", "python", "typescript", "mermaid")
    )
    assert document.data["version"] == spec.version


def test_a_page_is_always_the_same() -> None:
    first, again = (DocumentationGenerator(shipped()).site() for _ in range(2))
    assert first == again


def test_a_page_asks_nobody_for_anything() -> None:
    for name, text in DocumentationGenerator(shipped()).site().items():
        if name.endswith(".html"):
            seen = _Seen(text)
            assert seen.tags <= TAGS_OF_PAGES, name
            assert not any("://" in link for link in seen.links), name


def test_every_diagram_of_a_type_is_drawn() -> None:
    for agent_type in [*shipped_types(), *map(random_type, range(20))]:
        document = type_documentation(agent_type)
        page = document.html()
        assert page.count("<svg ") == document.markdown.count("```mermaid")
        assert "language-mermaid" not in page
        for drawing in re.findall(r"<svg .*?</svg>", page):
            root = ElementTree.fromstring(drawing)
            width, height = (int(root.attrib[name]) for name in ("width", "height"))
            for box in root.iter("rect"):
                x, y, wide, high = (int(box.attrib[name]) for name in ("x", "y", "width", "height"))
                assert x + wide < width
                assert y + high < height


def test_every_link_of_the_site_leads_somewhere() -> None:
    files = DocumentationGenerator(shipped()).site()
    for name, text in files.items():
        if name.endswith(".html"):
            ids = set(re.findall(r'id="([^"]*)"', text))
            for link in _Seen(text).links:
                assert link[1:] in ids if link.startswith("#") else link in files, f"{name}: {link}"


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_manifest_says_stays_text(attack: str) -> None:
    found = hostile_type(attack)
    document = type_documentation(found)
    tame = type_documentation(hostile_type("harmless"))
    assert headings(document.markdown)[1:] == headings(tame.markdown)[1:]
    seen, expected = _Seen(document.html()), _Seen(tame.html())
    assert seen.tags == expected.tags
    assert seen.attributes == expected.attributes
    assert seen.links == expected.links
    assert not re.search("[\u202e\u2028\x00\x1b]", document.markdown)


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_leaves_its_place_in_a_diagram(attack: str) -> None:
    document = type_documentation(hostile_type(attack))
    tame = type_documentation(hostile_type("harmless"))
    blocks, known = (re.findall(r"```mermaid\n(.*?)\n```", d.markdown, re.DOTALL) for d in (document, tame))
    for block, like in zip(blocks, known, strict=True):
        assert [re.sub('"[^"]*"', '""', line) for line in block.splitlines()] == [
            re.sub('"[^"]*"', '""', line) for line in like.splitlines()
        ]


def test_defaults_and_examples_of_sensitive_fields_are_shown_nowhere() -> None:
    found = hostile_type("x")
    texts = [type_documentation(found), examples([found]), frontend_integration([found])]
    for document in texts:
        assert SECRET not in document.markdown + document.html() + repr(document.data)


def test_versions_say_what_changed() -> None:
    now = shipped_types()[0]
    fields = {name: field for name, field in now.spec.input.items() if name != "subject"}
    before = now.model_copy(
        update={"spec": now.spec.model_copy(update={"input": fields, "version": "0.9.0"})}
    )
    markdown = type_documentation(now, [before]).markdown
    assert "- **1.0.0** (minor)\n  - input.subject was added" in markdown
    assert "- **0.9.0**\n" in markdown


def test_a_type_that_is_not_there_is_named_with_what_was_meant() -> None:
    with pytest.raises(NotFound) as caught:
        DocumentationGenerator(shipped()).type("email-analysys")
    assert "email-analysis" in caught.value.hint


def test_documents_of_everything_render() -> None:
    types = shipped_types()
    for document in (agent_creation_guide(), examples(types), frontend_integration(types)):
        assert document.markdown.startswith("# ")
        assert "<h1" in document.html()
        assert document.data


@pytest.mark.parametrize(
    "address", ['http://x"; evil()', "javascript:alert(1)", "http://a b", "http://x/`id`"]
)
def test_an_address_that_could_leave_its_quotes_is_refused(address: str) -> None:
    with pytest.raises(UsageError):
        DocumentationGenerator(shipped(), base_url=address)

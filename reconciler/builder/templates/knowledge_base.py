"""Knowledge base: pages come in by their address or as they are; their text, and tags, become searchable rows."""

from __future__ import annotations

from typing import Any

from reconciler.builder.slots import SlotKind, SlotSpec, Values
from reconciler.builder.templates.asking import PURPOSE, SECRETS, details_slot, name_slot
from reconciler.builder.templates.documents import (
    agent_document,
    described,
    free_name,
    optional,
    title_of,
    type_document,
)
from reconciler.builder.templates.samples import sample_of
from reconciler.builder.templates.template import Document, Template

_OWN_FIELDS = ("url", "title", "summary", "content", "word_count", "html", "tags")
_TOKEN = "http_token"
_PAGE = "<title>Start</title><p>Welcome to the docs</p>"


def _compose(values: Values) -> list[Document]:
    name = values["name"]
    details = optional({free_name(n, _OWN_FIELDS): spec for n, spec in values["details"].items()})
    fetched = bool(values["hosts"])
    spec = {
        "title": title_of(name),
        "description": described(values, "Keeps the text of pages, and what they are about."),
        "settings": {
            "summary_length": {
                "type": "integer",
                "min": 80,
                "max": 2000,
                "default": values["summary_length"],
            },
            "default_tag": {"type": "string", "max_length": 40, "default": "unsorted"},
        },
        "secrets": [*values["secrets"]],
        "input": {
            "url": {"type": "string", "format": "uri", "max_length": 2000, "required": True},
            "title": {"type": "string", "max_length": 300},
            "html": _html(fetched),
            "tags": {"type": "list", "items": "string"},
            **details,
        },
        "models": {"page": {"fields": _page_fields(details)}, "tag": _tag_model()},
        "output": {"model": "page", "from": "save"},
        "tools": _grants(values),
        "pipeline": _steps(values, details, fetched),
        "tests": _tests(values, details, fetched),
    }
    return [type_document(name, spec), agent_document(name, name, secrets=values["secrets"])]


def _html(fetched: bool) -> dict[str, Any]:
    if fetched:
        return {"type": "text", "description": "The page itself; when given nothing is fetched."}
    return {"type": "text", "required": True, "description": "The page itself."}


def _page_fields(details: dict[str, Any]) -> dict[str, Any]:
    return {
        "url": {"type": "string", "max_length": 2000, "required": True, "unique": True},
        "title": {"type": "string", "max_length": 300},
        "summary": {"type": "text", "max_length": 2000},
        "content": {"type": "text"},
        "word_count": {"type": "integer", "min": 0, "default": 0},
        **details,
    }


def _tag_model() -> dict[str, Any]:
    return {
        "fields": {
            "page": {"type": "reference", "model": "page", "on_delete": "cascade", "required": True},
            "label": {"type": "string", "max_length": 40, "required": True, "index": True},
        },
        "unique": [["page", "label"]],
    }


def _grants(values: Values) -> list[dict[str, Any]]:
    own: list[dict[str, Any]] = [
        {"name": "html_to_text"},
        {"name": "database_writer", "models": ["page", "tag"]},
    ]
    if not values["hosts"]:
        return own
    limits = {"calls": 3, "rate": "60/minute"}
    return [{"name": "http_request", "hosts": [*values["hosts"]], "limits": limits}, *own]


def _steps(values: Values, details: dict[str, Any], fetched: bool) -> list[dict[str, Any]]:
    html = "{{ input.html | default(steps.fetch.body) }}" if fetched else "{{ input.html }}"
    steps: list[dict[str, Any]] = [_fetch(values)] if fetched else []
    stored = {
        "url": "{{ input.url }}",
        "title": "{{ input.title | default(steps.extract.title) }}",
        "summary": "{{ steps.extract.text | truncate(settings.summary_length) }}",
        "content": "{{ steps.extract.text }}",
        "word_count": "{{ steps.extract.text | split | length }}",
        **{name: f"{{{{ input.{name} | default(none) }}}}" for name in details},
    }
    tag = {"page": "{{ steps.save.id }}", "label": "{{ label }}"}
    return [
        *steps,
        {"id": "extract", "tool": "html_to_text", "with": {"html": html}},
        {
            "id": "save",
            "tool": "database_writer",
            "with": {"model": "page", "mode": "upsert", "key": ["url"], "values": stored},
        },
        {
            "id": "tag",
            "for_each": "{{ input.tags | default([settings.default_tag]) }}",
            "as": "label",
            "tool": "database_writer",
            "with": {"model": "tag", "mode": "upsert", "key": ["page", "label"], "values": tag},
        },
    ]


def _fetch(values: Values) -> dict[str, Any]:
    request: dict[str, Any] = {"method": "GET", "url": "{{ input.url }}"}
    if _TOKEN in values["secrets"]:
        request["token_secret"] = _TOKEN
    return {
        "id": "fetch",
        "when": "{{ input.html is not defined or not input.html }}",
        "tool": "http_request",
        "with": request,
        "timeout": "20s",
        "retry": {"attempts": 3, "backoff": "500ms", "on": ["timeout", "unavailable"]},
    }


def _tests(values: Values, details: dict[str, Any], fetched: bool) -> list[dict[str, Any]]:
    host = values["hosts"][0].removeprefix("*.") if fetched else "docs.example.org"
    url = f"https://{host}/start"
    given = {name: sample_of(name, spec) for name, spec in details.items()}
    tests: list[dict[str, Any]] = [
        {
            "name": "a page that is given is stored with its tags",
            "input": {"url": url, "html": _PAGE, "tags": ["docs", "intro"], **given},
            "expect": {
                "output": {"title": "Start", "word_count": 4, **given},
                "rows": {"page": 1, "tag": 2},
                "called": ["extract", "save", "tag"],
            },
        }
    ]
    if fetched:
        tests += [
            {
                "name": "an address alone is fetched",
                "input": {"url": url},
                "mocks": {"fetch": {"status": 200, "body": "<p>Hello</p>"}},
                "expect": {
                    "output": {"title": None, "summary": "Hello", "word_count": 1},
                    "rows": {"page": 1, "tag": 1},
                    "called": ["fetch", "extract", "save", "tag"],
                },
            },
            {
                "name": "a page that does not answer leaves nothing behind",
                "input": {"url": url},
                "mocks": {"fetch": {"error": "unavailable"}},
                "expect": {"error": "unavailable", "rows": {"page": 0, "tag": 0}, "called": ["fetch"]},
            },
        ]
    return tests


TEMPLATE = Template(
    name="knowledge-base",
    title="Knowledge base",
    description="fetches pages, or is handed them, and keeps their text and tags to be searched",
    cues=(
        *("knowledge*", "wiki*", "bookmark*", "web page*", "webpage*", "website*", "page", "pages", "crawl*"),
        *("scrap*", "docs", "documentation", "faq*", "article*", "search*", "link", "links", "wissen*"),
        *("wissensdatenbank", "lesezeichen", "webseite*", "artikel", "base de connaissance*", "pages web"),
        *("site web", "signet*"),
    ),
    slots=(
        SlotSpec(
            name="hosts",
            label="hosts",
            kind=SlotKind.HOSTS,
            question="From which hosts may it fetch pages? Without any, pages are handed to it.",
            weight=9,
            offered=True,
            default=lambda values: [],
            default_words="none",
            example="docs.example.org, *.example.com",
        ),
        details_slot(
            "What else is told about a page when it is handed in?", "author, topic, published on as date"
        ),
        name_slot("knowledge-base"),
        PURPOSE,
        SlotSpec(
            name="summary_length",
            label="length of a summary",
            kind=SlotKind.NUMBER,
            question="How many characters has a summary?",
            default=lambda values: 400,
        ),
        SECRETS,
    ),
    compose=_compose,
    example="Keep the articles of docs.example.org, with author and topic.",
    tool_slots={"http_request": "hosts"},
)

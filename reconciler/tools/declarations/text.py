"""Tools that work on texts alone: no network, no table, the same answer every time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.expressions.scope import Shape
from reconciler.expressions.template import has_expression
from reconciler.spec.base import FIELD_NAME
from reconciler.spec.fields import FieldType
from reconciler.spec.findings import Finding
from reconciler.spec.patterns import matches, pattern_problem
from reconciler.tools.base import EffectClass, Parameter, Surroundings, ToolDeclaration, result_field

_TEXT = Parameter("template", "The text to work on.", required=True)


def _check_overlap(parameters: Mapping[str, Any], surroundings: Surroundings) -> Iterator[Finding]:
    size = parameters.get("chunk_size", TEXT_SPLITTER.parameters["chunk_size"].default)
    overlap = parameters.get("overlap", 0)
    if isinstance(size, int) and isinstance(overlap, int) and overlap >= size:
        yield Finding(
            "bad-overlap",
            f"chunks of {size} cannot overlap by {overlap}",
            ("overlap",),
            "make it smaller than the chunks",
        )


TEXT_SPLITTER = ToolDeclaration(
    name="text_splitter",
    title="Text splitter",
    description="Cuts a text into chunks at the ends of paragraphs, sentences or words.",
    effect=EffectClass.NONE,
    implementation="reconciler.tools.text_splitter:TextSplitter",
    parameters={
        "text": _TEXT,
        "chunk_size": Parameter(
            FieldType.INTEGER, "Most characters of a chunk.", default=1000, min=1, max=1_000_000
        ),
        "overlap": Parameter(
            FieldType.INTEGER, "Characters repeated from the chunk before.", default=0, min=0
        ),
    },
    result={
        "chunks": result_field(FieldType.LIST, "The chunks in order.", items=FieldType.TEXT),
        "count": result_field(FieldType.INTEGER, "How many there are."),
    },
    check=_check_overlap,
)


def _check_patterns(parameters: Mapping[str, Any], surroundings: Surroundings) -> Iterator[Finding]:
    patterns = parameters.get("patterns")
    if not isinstance(patterns, Mapping):
        return
    for name, pattern in patterns.items():
        path = ("patterns", name)
        if not matches(FIELD_NAME, name):
            yield Finding(
                "bad-name",
                f"`{name}` cannot be the name of a result field",
                path,
                "lower case, joined by `_`",
                at_key=True,
            )
        if not isinstance(pattern, str):
            yield Finding("wrong-type", "a pattern is a text", path)
        elif reason := pattern_problem(pattern) or _extracting_problem(pattern):
            yield Finding("bad-pattern", f"not a linear regular expression: {reason}", path)


def _extracting_problem(pattern: str) -> str:
    from reconciler.tools.re2_patterns import re2_problem  # an engine of its own, which few manifests need

    return re2_problem(pattern)


def _extracted(parameters: Mapping[str, Any], surroundings: Surroundings) -> Shape:
    patterns = parameters.get("patterns")
    if not isinstance(patterns, Mapping):
        return Shape("any")
    found = (
        Shape("list", items=Shape("text")) if parameters.get("all") is True else Shape("text", optional=True)
    )
    if isinstance(parameters.get("all"), str):
        found = Shape("any")
    return Shape("object", fields=dict.fromkeys(map(str, patterns), found))


TEXT_EXTRACT = ToolDeclaration(
    name="text_extract",
    title="Text extraction",
    description="Finds parts of a text by linear regular expressions (RE2): the first group, or the whole match.",
    effect=EffectClass.NONE,
    implementation="reconciler.tools.text_extract:TextExtract",
    parameters={
        "text": _TEXT,
        "patterns": Parameter("mapping", "Result field -> pattern.", required=True, static=True),
        "all": Parameter(FieldType.BOOLEAN, "Every match as a list, not only the first.", default=False),
    },
    result=_extracted,
    check=_check_patterns,
)

TEMPLATE = ToolDeclaration(
    name="template",
    title="Template",
    description="Fills a text with values.",
    effect=EffectClass.NONE,
    implementation="reconciler.tools.template:TemplateTool",
    parameters={"template": Parameter("template", "The text, with expressions in it.", required=True)},
    result={"text": result_field(FieldType.TEXT, "The filled text.")},
)


def _check_rules(parameters: Mapping[str, Any], surroundings: Surroundings) -> Iterator[Finding]:
    rules = parameters.get("rules")
    if not isinstance(rules, Mapping):
        return
    if not rules:
        yield Finding(
            "missing-value", "at least one rule is needed, such as `bug: [crash, error]`", ("rules",)
        )
    for label, words in rules.items():
        if (
            not isinstance(words, list)
            or not words
            or not all(isinstance(word, str) and word.strip() for word in words)
        ):
            yield Finding(
                "wrong-type",
                f"the rule `{label}` must be a list of words",
                ("rules", label),
                f"`{label}: [word, other word]`",
            )
        elif any(has_expression(word) for word in words):
            yield Finding(
                "parameter-not-static", "the words of a rule cannot hold expressions", ("rules", label)
            )


KEYWORD_CLASSIFIER = ToolDeclaration(
    name="keyword_classifier",
    title="Keyword classifier",
    description="Labels a text by the words in it: most hits win, on a tie the label named first.",
    effect=EffectClass.NONE,
    implementation="reconciler.tools.keyword_classifier:KeywordClassifier",
    parameters={
        "text": _TEXT,
        "rules": Parameter(
            "mapping",
            "Label -> words that speak for it; `crash*` is every word that begins so.",
            required=True,
        ),
        "default": Parameter(
            FieldType.STRING, "The label where no word is found.", required=True, max_length=63
        ),
        "case_sensitive": Parameter(FieldType.BOOLEAN, "Whether upper and lower case differ.", default=False),
    },
    result={
        "label": result_field(FieldType.STRING, "The label that won."),
        "category": result_field(
            FieldType.STRING, "The same, so that it can stand in for a model that names a category."
        ),
        "matches": result_field(FieldType.LIST, "The words that were found.", items=FieldType.STRING),
    },
    check=_check_rules,
)

HTML_TO_TEXT = ToolDeclaration(
    name="html_to_text",
    title="HTML to text",
    description="The readable text of a page: no markup, scripts or styles.",
    effect=EffectClass.NONE,
    implementation="reconciler.tools.html_to_text:HtmlToText",
    parameters={"html": Parameter("template", "The page.", required=True)},
    result={
        "text": result_field(FieldType.TEXT, "Its text, a line per paragraph."),
        "title": result_field(FieldType.STRING, "Its title.", optional=True),
        "links": result_field(FieldType.LIST, "The addresses it links to.", items=FieldType.STRING),
    },
)

"""Slots that several templates share."""

from __future__ import annotations

from reconciler.builder.slots import Option, SlotKind, SlotSpec, Values

DEFAULT_MODEL = "llama3.2"


def name_slot(default: str) -> SlotSpec:
    return SlotSpec(
        name="name",
        label="name",
        kind=SlotKind.NAME,
        question="What shall it be called?",
        weight=2,
        offered=True,
        default=lambda values: default,
        default_words=default,
        example=default,
    )


PURPOSE = SlotSpec(
    name="purpose",
    label="purpose",
    kind=SlotKind.TEXT,
    question="What is it for, in a sentence?",
    weight=1,
    default=lambda values: "",
)

ENGINE = SlotSpec(
    name="engine",
    label="how texts are read",
    kind=SlotKind.CHOICE,
    question="Shall words and patterns decide, or a language model?",
    weight=4,
    own_words=True,
    default=lambda values: "keywords",
    options=(
        Option(
            "keywords",
            "words and patterns: no model, the same every time",
            (
                *("keyword", "keywords", "no model", "without a model", "without model", "no ai", "no llm"),
                *("patterns", "words", "rules", "stichwörter", "ohne modell", "mots-clés", "sans modèle"),
            ),
        ),
        Option(
            "model",
            "a language model, with words and patterns where it does not answer",
            (
                *(
                    "language model",
                    "llm",
                    "use a model",
                    "with a model",
                    "llama",
                    "ollama",
                    "with ai",
                    "use ai",
                ),
                *("sprachmodell", "mit ki", "modèle de langue", "avec un modèle"),
            ),
        ),
    ),
)

MODEL = SlotSpec(
    name="model",
    label="language model",
    kind=SlotKind.TEXT,
    question="Which language model?",
    own_words=True,
    default=lambda values: DEFAULT_MODEL,
    asked_if=lambda values: values.get("engine") == "model",
)

SECRETS = SlotSpec(
    name="secrets",
    label="secrets",
    kind=SlotKind.SECRETS,
    question="Which secrets does it need, and which environment variables hold them?",
    default=lambda values: {},
)


def categories_slot(question: str, default: dict[str, list[str]], example: str) -> SlotSpec:
    return SlotSpec(
        name="categories",
        label="categories",
        kind=SlotKind.CATEGORIES,
        question=question,
        weight=9,
        offered=True,
        default=lambda values: default,
        default_words=", ".join(default),
        example=example,
    )


def details_slot(question: str, example: str) -> SlotSpec:
    return SlotSpec(
        name="details",
        label="fields",
        kind=SlotKind.FIELDS,
        question=question,
        weight=6,
        offered=True,
        default=lambda values: {},
        default_words="none",
        example=example,
    )


def category_names(values: Values) -> tuple[str, ...]:
    return tuple(values.get("categories") or ())

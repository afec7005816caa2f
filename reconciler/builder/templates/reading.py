"""How a text is sorted and read: by words and patterns, and where a language model is wanted, by it before them.

What a model would do has always something to stand in for it, so that an agent works where no model answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.builder.slots import Values
from reconciler.builder.templates.documents import optional
from reconciler.builder.templates.samples import is_code, sample_of

OTHER = "other"
READABLE = frozenset({"string", "text", "integer", "number", "decimal", "boolean", "date", "enum", "uuid"})
"""Types of which a pattern can find a value in a text."""

_EMAIL = r"([A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,})"
_URL = r"(https?://[^\s<>]+)"
_UUID = r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
_BETWEEN = r"[ \t]*[:=#]?[ \t]*"


def by_model(values: Values) -> bool:
    return values.get("engine") == "model"


# --- sorting ---------------------------------------------------------------------------------------------------------


def category_field(values: Values) -> dict[str, Any]:
    return {"type": "enum", "values": [*_rules(values), OTHER], "required": True, "default": OTHER}


def sorter(values: Values, text: str) -> dict[str, Any]:
    """The call that gives `category` by the words in a text."""
    return {
        "tool": "keyword_classifier",
        "with": {"text": text, "rules": _rules(values), "default": OTHER},
    }


def _rules(values: Values) -> dict[str, list[str]]:
    return {name: [*words] for name, words in values["categories"].items() if name != OTHER}


# --- finding values ---------------------------------------------------------------------------------------------------


def finder(fields: Mapping[str, Any], text: str) -> dict[str, Any]:
    """The call that finds the fields in a text, each as a text."""
    patterns = {name: pattern_of(name, spec) for name, spec in fields.items() if spec["type"] in READABLE}
    return {"tool": "text_extract", "with": {"text": text, "patterns": patterns}}


def pattern_of(name: str, spec: Mapping[str, Any]) -> str:
    """A linear pattern whose first group is the value."""
    named = rf"(?i)\b{_label(name)}\b{_BETWEEN}"
    match spec["type"]:
        case "integer":
            return rf"{named}(-?[0-9]+)"
        case "number" | "decimal":
            return rf"{named}[^0-9\n-]{{0,5}}(-?[0-9][0-9,]*(?:\.[0-9]+)?)"
        case "boolean":
            return rf"{named}(yes|no|true|false)\b"
        case "date":
            return rf"{named}([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})"
        case "uuid":
            return rf"(?i){_UUID}"
        case "enum":
            return rf"(?i)\b({'|'.join(re.escape(value) for value in spec['values'])})\b"
    match spec.get("format"):
        case "email":
            return _EMAIL
        case "uri":
            return _URL
    return rf"{named}([A-Za-z0-9][A-Za-z0-9/.-]*)" if is_code(name) else rf"{named}([^\n\r]+)"


def found(step: str, name: str, spec: Mapping[str, Any]) -> str:
    """The expression, without braces, of a value that `finder` gave as a text, or none."""
    raw = f"steps.{step}.{name}"
    text = f"({raw} | default(''))"
    match spec["type"]:
        case "integer":
            made = f"{raw} | int"
        case "number":
            made = f"{text} | replace(',', '') | float"
        case "decimal":
            made = f"{text} | replace(',', '')"
        case "boolean":
            made = f"({text} | lower) in ['yes', 'true']"
        case "enum" | "uuid":
            made = f"{text} | lower"
        case "string" | "text":
            bound = spec.get("max_length")
            made = f"{text} | trim | truncate({bound}, true, '')" if bound else f"{text} | trim"
        case _:
            made = raw
    return f"({made}) if {raw} else none"


def stated(fields: Mapping[str, Any], number: int = 1) -> str:
    """A text in which `finder` finds the samples of these fields."""
    readable = {name: spec for name, spec in fields.items() if spec["type"] in READABLE}
    lines = (
        f"{name.replace('_', ' ').capitalize()}: {_said(sample_of(name, spec, number))}"
        for name, spec in readable.items()
    )
    return "\n".join(lines)


def _said(value: Any) -> str:
    return "yes" if value is True else str(value)


def samples(fields: Mapping[str, Any], number: int = 1) -> dict[str, Any]:
    """What `finder` and `found` make of `stated`."""
    return {
        name: sample_of(name, spec, number) if spec["type"] in READABLE else None
        for name, spec in fields.items()
    }


def _label(name: str) -> str:
    words = ["(?:number|no|nr|num)\\.?" if word == "number" else re.escape(word) for word in name.split("_")]
    label = "[ _-]*".join(words)
    return label.removesuffix("\\.?")


# --- asking a model ---------------------------------------------------------------------------------------------------


def asked(
    values: Values, prompt: str, content: str, answer: Mapping[str, Any], fallback: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The call of a language model for fields; where it fails, `fallback`, or the pipeline goes on without."""
    call: dict[str, Any] = {
        "tool": "llm_processor",
        "with": {"model": values["model"], "prompt": prompt, "content": content, "output": dict(answer)},
        "timeout": "60s",
        "retry": {"attempts": 2, "backoff": "500ms", "on": ["timeout", "unavailable", "invalid_output"]},
    }
    if fallback is not None:
        return call | {"fallback": dict(fallback)}
    return call | {"on_error": "continue"}


def model_grant(values: Values) -> dict[str, Any]:
    return {"name": "llm_processor", "models": [values["model"]], "limits": {"calls": 6, "tokens": 20000}}


def answer_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as a model is to answer them: it may leave out what it does not find."""
    return {name: spec | {"required": False} for name, spec in optional(fields).items()}


def chosen(values: Values, step: str, name: str, spec: Mapping[str, Any], *, always: bool = False) -> str:
    """The value of a field: what the model said in `step`, else what `finder` found in the step `find`. `always`: a
    string that was not found is empty."""
    by_pattern = found("find", name, spec) if spec["type"] in READABLE else "none"
    if always:
        by_pattern = f"steps.find.{name} | default('') | trim"
    if not by_model(values):
        return f"{{{{ {by_pattern} }}}}"
    return f"{{{{ steps.{step}.{name} | default({by_pattern}) }}}}"


# --- tests ------------------------------------------------------------------------------------------------------------


def text_about(values: Values, category: str, fields: Mapping[str, Any]) -> str:
    """A text that is sorted into a category and in which the samples of the fields are found."""
    words = values["categories"].get(category) or ["zzz"]
    stem = words[0].removesuffix("*")
    return "\n".join(part for part in (f"This is about {stem}.", stated(fields)) if part)


def mocked_answer(
    values: Values, step: str, answer: Mapping[str, Any], fields: Mapping[str, Any]
) -> dict[str, Any]:
    """Mocks of a test in which the model answers, if there is one."""
    if not by_model(values):
        return {}
    return {step: {**answer, **{name: sample_of(name, spec) for name, spec in fields.items()}}}


def told(values: Values, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of the fields only because a model has answered."""
    found: dict[str, Any] = mocked_answer(values, "", {}, fields).get("", {})
    return found


def mocked_failure(values: Values, step: str) -> dict[str, Any]:
    return {step: {"error": "unavailable"}} if by_model(values) else {}


def without_empty_mocks(test: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in test.items() if key != "mocks" or value}

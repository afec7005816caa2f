"""A type that exists, changed: the documents it has, with fields and categories added, renamed, removed or altered.

Its slots hold the name of the type and the changes; the workshop hands in the documents as they are, and sees to the
version afterwards.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from reconciler.builder.slots import SlotKind, SlotSpec, Values
from reconciler.builder.templates.template import Document, Template
from reconciler.builder.understanding.editing import Edit, edits_in
from reconciler.builder.understanding.naming import agent_name
from reconciler.errors import UsageError

NAME = "change"
EXISTING = "existing"
"""Key of the values under which the documents as they are come in."""

_SPEAKS = re.compile(
    r"\b(?:change|extend|modify|update|alter|adapt|improve|edit|(?:new|next) version of|in the (?:existing|type)|"
    r"ändere|erweitere|modifie[rz]?|add|rename|remove|drop)\b",
    re.IGNORECASE,
)


def speaks_of_change(text: str) -> bool:
    return bool(_SPEAKS.search(text))


def wanted_type(text: str, known: Callable[[], Collection[str]]) -> str:
    """The existing type that a text names as one to be changed; empty where it names none."""
    lowered = f" {text.lower()} "
    named = [
        name
        for name in known()
        if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", lowered)
        or (name.count("-") and f" {name.replace('-', ' ')} " in lowered)
    ]
    sure = re.search(
        r"\b(?:change|extend|modify|update|alter|edit|version of|ändere|erweitere|modifie)\b", lowered
    )
    return max(named, key=len) if named and (sure or edits_in(text)) else ""


def _compose(values: Values) -> list[Document]:
    documents = copy.deepcopy(values[EXISTING])
    for document in documents:
        if document["kind"] == "AgentType" and document["metadata"]["name"] == values["type"]:
            for edit in values["edits"]:
                _apply(document["spec"], Edit(**edit))
    return list(documents)


def _apply(spec: dict[str, Any], edit: Edit) -> None:
    """Raises UsageError for a change that does not fit the type."""
    match edit.operation:
        case "add_category":
            _add_category(spec, edit.name, edit.value)
        case "remove_category":
            _remove_category(spec, edit.name)
        case "add_field":
            _add_field(spec, edit.name, edit.value)
        case "rename_field":
            _rename_field(spec, edit.name, agent_name(edit.value).replace("-", "_"))
        case "remove_field":
            _remove_field(spec, edit.name)
        case "change_field":
            _change_field(spec, edit.name, edit.value)


def _add_field(spec: dict[str, Any], name: str, field: Mapping[str, Any]) -> None:
    """A field that is handed in and stored. It is optional: those who hand in nothing go on working."""
    model_name, model = _model(spec)
    if name in model["fields"]:
        raise UsageError(f"{model_name} has a field {name} already", hint="say what shall become of it")
    optional = {key: value for key, value in field.items() if key not in ("required", "default")}
    model["fields"][name] = optional
    inputs = spec.setdefault("input", {})
    inputs.setdefault(name, {key: value for key, value in optional.items() if key not in ("unique", "index")})
    for values in _written(spec, model_name):
        values.setdefault(name, f"{{{{ input.{name} | default(none) }}}}")


def _rename_field(spec: dict[str, Any], old: str, new: str) -> None:
    model_name, model = _model_with(spec, old)
    if new in model["fields"]:
        raise UsageError(f"{model_name} has a field {new} already", hint="choose another name")
    model["fields"] = {
        (new if name == old else name): ({**_full(field), "renamed_from": old} if name == old else field)
        for name, field in model["fields"].items()
    }
    _in_rules(model, lambda names: [new if name == old else name for name in names])
    for check in model.get("checks") or []:
        check["expression"] = re.sub(rf"\b{old}\b", new, check["expression"])
    for call in _writers(spec, model_name):
        call["values"] = {(new if name == old else name): value for name, value in call["values"].items()}
        if "key" in call:
            call["key"] = [new if name == old else name for name in call["key"]]
    for test in spec.get("tests") or []:
        output = (test.get("expect") or {}).get("output")
        if output and old in output:
            test["expect"]["output"] = {(new if n == old else n): value for n, value in output.items()}


def _remove_field(spec: dict[str, Any], name: str) -> None:
    model_name, model = _model_with(spec, name)
    if any(name in (call.get("key") or ()) for call in _writers(spec, model_name)):
        raise UsageError(f"{name} tells the rows of {model_name} apart and cannot go")
    del model["fields"][name]
    _in_rules(model, lambda names: [other for other in names if other != name])
    model["checks"] = [c for c in model.get("checks") or [] if not re.search(rf"\b{name}\b", c["expression"])]
    for key in ("indexes", "unique", "checks"):
        if not model.get(key):
            model.pop(key, None)
    for values in _written(spec, model_name):
        values.pop(name, None)
    for test in spec.get("tests") or []:
        ((test.get("expect") or {}).get("output") or {}).pop(name, None)


def _change_field(spec: dict[str, Any], name: str, change: Mapping[str, Any]) -> None:
    _, model = _model_with(spec, name)
    for fields in (model["fields"], spec.get("input") or {}):
        if name in fields:
            merged = {**_full(fields[name]), **change}
            fields[name] = {key: value for key, value in merged.items() if value is not None}


# --- categories -------------------------------------------------------------------------------------------------------


def _add_category(spec: dict[str, Any], name: str, words: list[str]) -> None:
    labels = _labels(spec)
    for enum in _enums(spec):
        if labels & set(enum["values"]) and name not in enum["values"]:
            last = len(enum["values"]) - (enum["values"][-1] == "other")
            enum["values"].insert(last, name)
    for call in _classifiers(spec):
        call["rules"].setdefault(name, words)


def _remove_category(spec: dict[str, Any], name: str) -> None:
    if name not in _labels(spec):
        raise UsageError(f"there is no category {name}", hint=f"there are {', '.join(sorted(_labels(spec)))}")
    for enum in _enums(spec):
        if name in enum["values"] and len(enum["values"]) > 1:
            enum["values"].remove(name)
    for call in _classifiers(spec):
        call["rules"].pop(name, None)
    spec["tests"] = [test for test in spec.get("tests") or [] if f"'{name}'" not in repr(test)]


def _labels(spec: Mapping[str, Any]) -> set[str]:
    return {label for call in _classifiers(spec) for label in call["rules"]}


def _classifiers(spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for part in _parts(spec.get("pipeline") or []):
        if part.get("tool") == "keyword_classifier" and isinstance(
            (part.get("with") or {}).get("rules"), dict
        ):
            yield part["with"]


def _enums(spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (
        part for part in _parts(spec) if part.get("type") == "enum" and isinstance(part.get("values"), list)
    )


# --- where things stand -----------------------------------------------------------------------------------------------


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    """All mappings in a value, those inside others after them."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _parts(item)


def _model(spec: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The model that tasks end in, else the first."""
    models = spec.get("models") or {}
    name = (spec.get("output") or {}).get("model") or next(iter(models), "")
    if not name:
        raise UsageError("the type has no table that a field could be in")
    return name, models[name]


def _model_with(spec: Mapping[str, Any], field: str) -> tuple[str, dict[str, Any]]:
    main = _model(spec)
    others = [(name, model) for name, model in spec["models"].items() if name != main[0]]
    for name, model in (main, *others):
        if field in model["fields"]:
            return name, model
    known = ", ".join(main[1]["fields"])
    raise UsageError(f"there is no field {field}", hint=f"{main[0]} has {known}")


def _writers(spec: Mapping[str, Any], model: str) -> Iterator[dict[str, Any]]:
    for part in _parts(spec.get("pipeline") or []):
        call = part.get("with") if part.get("tool") == "database_writer" else None
        if call and call.get("model") == model and isinstance(call.get("values"), dict):
            yield call


def _written(spec: Mapping[str, Any], model: str) -> Iterator[dict[str, Any]]:
    yield from (call["values"] for call in _writers(spec, model))


def _in_rules(model: dict[str, Any], change: Callable[[list[str]], list[str]]) -> None:
    """Changes the names of fields that indexes and unique groups name."""
    if model.get("indexes"):
        changed = [{**index, "fields": change(index["fields"])} for index in model["indexes"]]
        model["indexes"] = [index for index in changed if index["fields"]]
    if model.get("unique"):
        groups = [change([group] if isinstance(group, str) else group) for group in model["unique"]]
        model["unique"] = [group for group in groups if group]


def _full(field: Any) -> dict[str, Any]:
    return {"type": field} if isinstance(field, str) else dict(field)


TEMPLATE = Template(
    name=NAME,
    title="Changed type",
    description="changes an agent type that exists",
    cues=("change an existing", "change a type", "existing agent", "existing type", "new version"),
    slots=(
        SlotSpec(
            name="type",
            label="type",
            kind=SlotKind.NAME,
            question="Which of the existing agent types shall change?",
            weight=10,
            needed=True,
        ),
        SlotSpec(
            name="edits",
            label="changes",
            kind=SlotKind.EDITS,
            question="What shall change? Fields and categories can be added, renamed, removed or made something else.",
            weight=10,
            needed=True,
            example="rename priority to urgency, add due date as date, remove notes",
        ),
    ),
    compose=_compose,
    example="Change notes: rename priority to urgency and add a due date.",
)

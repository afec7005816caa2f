"""Random schemas, and random steps from one to the next: states as `evolution.manifests` takes them, always valid.

Names come from small pools, so that what was dropped, renamed or parked is soon met again.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

from reconciler.errors import ExpressionError
from reconciler.expressions.check_sql import parse_check
from reconciler.spec.agent_type import ModelSpec
from reconciler.spec.fields import APPLIES_TO, FieldSpec, FieldType
from reconciler.spec.literals import check_literal
from reconciler.spec.tables import column_of

State = dict[str, Any]
"""`{type: {"models": {model: {"fields": {...}, "indexes": [...], "unique": [...], "checks": [...]}}, ...}}`"""
Draw = Callable[[st.SearchStrategy[Any]], Any]

TYPES = ("shop", "post-office")
MODELS = ("item", "note", "line")
FIELDS = ("a", "b", "c", "d", "e")
KINDS = tuple(kind.value for kind in FieldType)
MOST_MODELS, MOST_FIELDS = 3, 5

_ATTRIBUTES: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "string": {"max_length": st.sampled_from([3, 8, 40]), "min_length": st.sampled_from([0, 1])},
    "text": {"max_length": st.sampled_from([5, 60]), "min_length": st.just(1)},
    "integer": {"min": st.sampled_from([-5, 0]), "max": st.sampled_from([10, 100])},
    "number": {"min": st.sampled_from([-5, 0.5]), "max": st.sampled_from([10, 1e21])},
    "decimal": {
        "precision": st.sampled_from([5, 9, 20]),
        "scale": st.sampled_from([0, 1, 2]),
        "min": st.sampled_from([-5, 0]),
    },
    "enum": {"values": st.permutations(["x", "y", "it's"]).flatmap(lambda v: st.integers(1, 3).map(lambda n: v[:n]))},
    "list": {"items": st.sampled_from(["string", "integer"]), "max_length": st.just(3)},
    "binary": {"max_length": st.sampled_from([2, 8])},
    "reference": {"on_delete": st.sampled_from(["cascade", "restrict", "set_null"])},
}  # fmt: skip

_ANY_KIND: dict[str, st.SearchStrategy[Any]] = {
    "required": st.booleans(),
    "unique": st.booleans(),
    "index": st.booleans(),
    "encrypted": st.sampled_from([False, False, True]),
    "sensitive": st.booleans(),
}
_DEFAULTS: dict[str, list[Any]] = {
    "string": ["", "a", "7", "it's %s :x ?"],
    "text": ["a long text", "7"],
    "integer": [0, 7, -4, 50],
    "number": [0.5, 7, -2],
    "decimal": [0, 1.5, "2.25", -4],
    "boolean": [True, False],
    "date": ["2024-02-29"],
    "datetime": ["2024-02-29T12:00:00Z", "2024-02-29T12:00:00.5+02:00"],
    "uuid": ["6ba7b810-9dad-11d1-80b4-00c04fd430c8"],
    "enum": ["x", "y", "it's"],
    "json": [{"k": [1, "'"]}, [True]],
    "list": [[], ["a"]],
}
_CONDITIONS: dict[str, list[str]] = {
    "string": ["length({0}) < 30", "{0} <> 'seven' or {1} is not null"],
    "text": ["length({0}) < 50", "lower({0}) <> 'x'"],
    "integer": ["{0} < 60", "{0} between -100 and 1000", "{0} is not null or {1} is not null"],
    "number": ["{0} < 1e19", "{0} > -3 or {1} is null"],
    "decimal": ["{0} < 900", "{0} <> 1.5"],
    "boolean": ["{0} or {1} is not null"],
    "date": ["{0} > '2000-01-01'"],
    "datetime": ["{0} > '2000-01-01T00:00:00Z'"],
    "enum": ["{0} in ('x', 'y')", "{0} <> 'y'"],
    "reference": ["{0} > 0 or {1} is null"],
}


# --- states


def first_state(draw: Draw) -> State:
    """One to two types of one to three models each; those drawn first may refer to those drawn later."""
    state: State = {}
    for name in TYPES[: draw(st.integers(1, 2))]:
        models = {model: new_model() for model in MODELS[: draw(st.integers(1, MOST_MODELS))]}
        state[name] = {
            "deletion_policy": draw(st.sampled_from(["archive", "archive", "retain"])),
            "models": models,
        }
    for owner, spec in state.items():
        for model in spec["models"].values():
            for field in FIELDS[: draw(st.integers(1, 4))]:
                model["fields"][field] = new_field(draw, state, owner)
            _maybe_constraints(draw, model)
    return repaired(state)


def new_model() -> dict[str, Any]:
    return {"fields": {}, "indexes": [], "unique": [], "checks": []}


def new_field(draw: Draw, state: State, owner: str) -> dict[str, Any]:
    kind = draw(st.sampled_from(KINDS))
    field = {"type": kind}
    if kind == "reference":
        field["model"] = _target(draw, state, owner)
    if kind == "enum":
        field["values"] = draw(_ATTRIBUTES["enum"]["values"])
    for attribute in draw(st.lists(st.sampled_from(_attributes(kind)), max_size=3, unique=True)):
        _set_attribute(draw, field, attribute)
    return fitting(field)


def _target(draw: Draw, state: State, owner: str) -> str:
    names = [
        model if name == owner else f"{name}.{model}"
        for name, spec in state.items()
        for model in spec["models"]
    ]
    return str(draw(st.sampled_from(names)))


def _attributes(kind: str) -> list[str]:
    own = [*_ATTRIBUTES.get(kind, {}), *(["default"] if kind in _DEFAULTS else [])]
    general = [name for name in _ANY_KIND if name not in APPLIES_TO or FieldType(kind) in APPLIES_TO[name]]
    return own + general


def _set_attribute(draw: Draw, field: dict[str, Any], attribute: str) -> None:
    kind = field["type"]
    if attribute == "default":
        field["default"] = draw(st.sampled_from(_DEFAULTS[kind]))
    elif attribute in _ATTRIBUTES.get(kind, {}):
        field[attribute] = draw(_ATTRIBUTES[kind][attribute])
    else:
        field[attribute] = draw(_ANY_KIND[attribute])


def fitting(field: dict[str, Any]) -> dict[str, Any]:
    """The field without what its other attributes rule out."""
    field = {
        k: v
        for k, v in field.items()
        if v is not False and (k not in APPLIES_TO or FieldType(field["type"]) in APPLIES_TO[k])
    }
    if field.get("encrypted"):
        field = {k: v for k, v in field.items() if k not in ("unique", "index")}
    if field.get("required") and field.get("on_delete") == "set_null":
        del field["on_delete"]
    if field.get("min", 0) > field.get("max", field.get("min", 0)):
        del field["max"]
    if "default" in field and [*check_literal(field["default"], FieldSpec.model_validate(field), ())]:
        del field["default"]
    return field


def _maybe_constraints(draw: Draw, model: dict[str, Any]) -> None:
    for add in (_add_index, _add_unique, _add_check):
        if draw(st.integers(0, 2)) == 0:
            add(draw, model)


# --- steps


def evolved(draw: Draw, state: State, gone: dict[str, Any]) -> State:
    """The state one to three changes later. `gone` collects models and types that were removed, to be brought back."""
    after = copy.deepcopy(state)
    for step in draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=3)):
        step(draw, after, gone)
        after = repaired(after)
    return after


def _a_model(draw: Draw, state: State) -> tuple[str, dict[str, Any]]:
    """Its owner and the model itself."""
    return draw(
        st.sampled_from(
            [(owner, model) for owner, spec in state.items() for model in spec["models"].values()]
        )
    )  # type: ignore[no-any-return]


def add_field(draw: Draw, state: State, gone: dict[str, Any]) -> None:
    owner, model = _a_model(draw, state)
    free = [name for name in FIELDS if name not in model["fields"]]
    if free and len(model["fields"]) < MOST_FIELDS:
        model["fields"][draw(st.sampled_from(free))] = new_field(draw, state, owner)


def drop_field(draw: Draw, state: State, gone: dict[str, Any]) -> None:
    _, model = _a_model(draw, state)
    name = draw(st.sampled_from([*model["fields"]]))
    gone[f"field {name}"] = model["fields"].pop(name)


def readd_field(draw: Draw, state: State, gone: dict[str, Any]) -> None:
    _, model = _a_model(draw, state)
    names = [n for n in FIELDS if n not in model["fields"] and f"field {n}" in gone]
    if names:
        name = draw(st.sampled_from(names))
        model["fields"][name] = fitting(gone[f"field {name}"])


def rename_field(draw: Draw, state: State, gone: dict[str, Any]) -> None:
    _, model = _a_model(draw, state)
    free = [name for name in FIELDS if name not in model["fields"]]
    if not free:
        return
    old, new = draw(st.sampled_from([*model["fields"]])), draw(st.sampled_from(free))
    model["fields"] = {new if name == old else name: field for name, field in model["fields"].items()}
    model["fields"][new] = {**model["fields"][new], "renamed_from": old}
    for group in [*model["unique"], *(index["fields"] for index in model["indexes"])]:
        group[:] = [new if name == old else name for name in group]
    model["checks"] = [c for c in model["checks"] if f'"{old}"' not in c["expression"]]


def retype_field(draw: Draw, state: State, gone: dict[str, Any]) -> None:
    owner, model = _a_model(draw, state)
    name = draw(st.sampled_from([*model["fields"]]))
    model["fields"][name] = new_field(draw, state, owner)


def change_attribute(draw: Draw, state: State, gone: dict[str, Any]) -> None:
    _, model = _a_model(draw, state)
    name = draw(st.sampled_from([*model["fields"]]))
    field = dict(model["fields"][name])
    attribute = draw(st.sampled_from(_attributes(field["type"])))
    if attribute in field and attribute != "values" and draw(st.booleans()):
        del field[attribute]
    else:
        _set_attribute(draw, field, attribute)
    model["fields"][name] = fitting(field)


def retarget(draw: Draw, state: State, gone: dict[str, Any]) -> None:
    owner, model = _a_model(draw, state)
    references = [field for field in model["fields"].values() if field["type"] == "reference"]
    if references:
        draw(st.sampled_from(references))["model"] = _target(draw, state, owner)


def _indexable(model: dict[str, Any]) -> list[str]:
    return [
        name
        for name, field in model["fields"].items()
        if not field.get("encrypted") and FieldType(field["type"]) in APPLIES_TO["index"]
    ]


def _group(draw: Draw, model: dict[str, Any]) -> list[str]:
    names = _indexable(model)
    return draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True)) if names else []  # type: ignore[no-any-return]


def _add_index(draw: Draw, model: dict[str, Any]) -> None:
    model["indexes"].append({"fields": _group(draw, model)})


def _add_unique(draw: Draw, model: dict[str, Any]) -> None:
    model["unique"].append(_group(draw, model))


def _add_check(draw: Draw, model: dict[str, Any]) -> None:
    found = [
        (n, c)
        for n, f in model["fields"].items()
        for c in _CONDITIONS.get(f["type"], ())
        if not f.get("encrypted")
    ]
    if found:
        name, condition = draw(st.sampled_from(found))
        other = draw(st.sampled_from([n for n, f in model["fields"].items() if not f.get("encrypted")]))
        label = draw(st.sampled_from(["sane", "a"]))
        model["checks"] = [c for c in model["checks"] if c["name"] != label]
        model["checks"].append({"name": label, "expression": condition.format(f'"{name}"', f'"{other}"')})


def change_constraints(draw: Draw, state: State, gone: dict[str, Any]) -> None:
    _, model = _a_model(draw, state)
    kind = draw(st.sampled_from(["indexes", "unique", "checks"]))
    if model[kind] and draw(st.booleans()):
        model[kind].pop(draw(st.integers(0, len(model[kind]) - 1)))
    else:
        {"indexes": _add_index, "unique": _add_unique, "checks": _add_check}[kind](draw, model)


def add_model(draw: Draw, state: State, gone: dict[str, Any]) -> None:
    owner = draw(st.sampled_from([*state]))
    models = state[owner]["models"]
    free = [name for name in MODELS if name not in models]
    if free:
        name = draw(st.sampled_from(free))
        models[name] = new_model()
        for field in FIELDS[: draw(st.integers(1, 3))]:
            models[name]["fields"][field] = new_field(draw, state, owner)


def drop_model(draw: Draw, state: State, gone: dict[str, Any]) -> None:
    owner = draw(st.sampled_from([*state]))
    if state[owner]["models"]:
        name = draw(st.sampled_from([*state[owner]["models"]]))
        gone[f"model {owner} {name}"] = state[owner]["models"].pop(name)


def restore_model(draw: Draw, state: State, gone: dict[str, Any]) -> None:
    found = [key.split()[1:] for key in gone if key.startswith("model ")]
    waiting = [(o, m) for o, m in found if o in state and m not in state[o]["models"]]
    if waiting:
        owner, name = draw(st.sampled_from(waiting))
        state[owner]["models"][name] = copy.deepcopy(gone[f"model {owner} {name}"])


def drop_type(draw: Draw, state: State, gone: dict[str, Any]) -> None:
    if len(state) > 1:
        name = draw(st.sampled_from([*state]))
        gone[f"type {name}"] = state.pop(name)


def restore_type(draw: Draw, state: State, gone: dict[str, Any]) -> None:
    for name in TYPES:
        if name not in state and f"type {name}" in gone:
            state[name] = copy.deepcopy(gone[f"type {name}"])


def change_policy(draw: Draw, state: State, gone: dict[str, Any]) -> None:
    state[draw(st.sampled_from([*state]))]["deletion_policy"] = draw(st.sampled_from(["archive", "retain"]))


STEPS = (
    add_field, add_field, drop_field, readd_field, readd_field, rename_field, retype_field, retype_field,
    change_attribute,
    change_attribute, change_attribute, retarget, change_constraints, change_constraints, add_model, drop_model,
    restore_model, drop_type, restore_type, change_policy,
)  # fmt: skip


# --- always valid


def repaired(state: State) -> State:
    """The state without references, hints, groups and checks that have lost what they speak of."""
    known = {f"{owner}.{model}" for owner, spec in state.items() for model in spec["models"]}
    if not known:
        first = next(iter(state))
        state[first]["models"]["item"] = new_model()
        known = {f"{first}.item"}
    for owner, spec in state.items():
        for name, model in spec["models"].items():
            _repair(owner, name, model, known)
    return state


def _repair(owner: str, name: str, model: dict[str, Any], known: set[str]) -> None:
    fields = {
        n: f
        for n, f in model["fields"].items()
        if "model" not in f or (f["model"] if "." in f["model"] else f"{owner}.{f['model']}") in known
    } or {"a": {"type": "string"}}
    hints = [field.get("renamed_from") for field in fields.values()]
    for field_name, field in fields.items():
        source = field.get("renamed_from")
        if source in fields or hints.count(source) > 1:
            fields[field_name] = {k: v for k, v in field.items() if k != "renamed_from"}
            hints[hints.index(source)] = None
    model["fields"] = fields
    indexable = set(_indexable(model))
    model["unique"] = [
        g for g in _once(model["unique"]) if g and set(g) <= indexable and len(set(g)) == len(g)
    ]
    groups = [index["fields"] for index in model["indexes"]]
    model["indexes"] = [
        {"fields": g} for g in _once(groups) if g and set(g) <= indexable and len(set(g)) == len(g)
    ]
    columns = {
        n: column_of(owner, n, f) for n, f in ModelSpec.model_validate({"fields": fields}).fields.items()
    }
    model["checks"] = [check for check in model["checks"] if _parses(check["expression"], columns)]


def _once(groups: list[list[str]]) -> Iterator[list[str]]:
    return (list(group) for group in dict.fromkeys(map(tuple, groups)))


def _parses(expression: str, columns: dict[str, Any]) -> bool:
    try:
        parse_check(expression, columns)
    except ExpressionError:
        return False
    return True

"""Models: names that fit a database, indexes, unique groups, references, renames and row conditions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from reconciler.errors import ExpressionError
from reconciler.expressions.check_sql import parse_check
from reconciler.manifests.checks.fields import check_fields
from reconciler.spec.agent_type import SYSTEM_FIELDS, AgentType, ModelSpec
from reconciler.spec.fields import FieldSpec, FieldType
from reconciler.spec.findings import Finding, Path, did_you_mean
from reconciler.spec.tables import IDENTIFIER_BYTES, table_name

_NOT_INDEXABLE = frozenset({FieldType.JSON, FieldType.LIST, FieldType.BINARY})


def check_models(agent_type: AgentType) -> Iterator[Finding]:
    for name, model in agent_type.spec.models.items():
        path: Path = ("spec", "models", name)
        table = table_name(agent_type.name, name)
        if len(table) > IDENTIFIER_BYTES:
            message = f"the table's name `{table}` has {len(table)} bytes; databases take {IDENTIFIER_BYTES}"
            yield Finding(
                "name-too-long", message, path, "shorten the name of the type or of the model", at_key=True
            )
        yield from check_fields(model.fields, (*path, "fields"), "column")
        yield from _check_renames(model, (*path, "fields"))
        yield from _check_groups(model, path)
        yield from _check_conditions(model, (*path, "checks"))
        yield from check_references(agent_type, model.fields, (*path, "fields"))


def check_references(agent_type: AgentType, fields: Mapping[str, FieldSpec], path: Path) -> Iterator[Finding]:
    """References to models of the same type; those to other types are linked when all types are known."""
    models = agent_type.spec.models
    for name, field in fields.items():
        if field.model is None:
            continue
        owner, _, target = field.model.rpartition(".")
        where = (*path, name, "model")
        if not target or "." in owner:
            hint = "write `model`, or `other-type.model` for a model of another type"
            yield Finding("bad-reference", f"`{field.model}` names no model", where, hint)
        elif owner in ("", agent_type.name) and target not in models:
            yield Finding(
                "unknown-model", f"the type has no model `{target}`", where, did_you_mean(target, models)
            )


def _check_renames(model: ModelSpec, path: Path) -> Iterator[Finding]:
    renamed = [field.renamed_from for field in model.fields.values() if field.renamed_from is not None]
    if not renamed:
        return
    sources = Counter(renamed)
    for name, field in model.fields.items():
        source, where = field.renamed_from, (*path, name, "renamed_from")
        if source is None:
            continue
        if source in SYSTEM_FIELDS:
            yield Finding(
                "reserved-field", f"`{source}` is a column of every table and cannot be renamed", where
            )
        elif source in model.fields:
            hint = "remove the old field, or `renamed_from` if both are meant to exist"
            yield Finding("rename-source-declared", f"`{source}` is still a field of the model", where, hint)
        elif sources[source] > 1:
            yield Finding("rename-source-repeats", f"two fields are renamed from `{source}`", where)


def _check_groups(model: ModelSpec, path: Path) -> Iterator[Finding]:
    seen: dict[tuple[str, ...], Path] = {}
    groups = [((*path, "indexes", i, "fields"), tuple(index.fields)) for i, index in enumerate(model.indexes)]
    groups += [((*path, "unique", i), tuple(group)) for i, group in enumerate(model.unique)]
    for where, names in groups:
        if not names:
            yield Finding("missing-value", "a group needs at least one field", where)
        for position, name in enumerate(names):
            yield from _check_indexable(name, model, (*where, position))
        if len(set(names)) != len(names):
            yield Finding("index-repeats-field", "a field is named twice", where)
        key = (str(where[len(path)]), *names)
        if key in seen:
            yield Finding("index-repeats", "the same fields are listed already", where, severity="warning")
        seen[key] = where


def _check_indexable(name: str, model: ModelSpec, path: Path) -> Iterator[Finding]:
    field = model.fields.get(name)
    if field is None:
        if name in SYSTEM_FIELDS:
            yield Finding(
                "reserved-field",
                f"`{name}` is a column of the system; indexes are over declared fields",
                path,
            )
        else:
            yield Finding(
                "unknown-field", f"the model has no field `{name}`", path, did_you_mean(name, model.fields)
            )
    elif field.encrypted:
        yield Finding("field-not-indexable", f"`{name}` is encrypted and cannot be indexed", path)
    elif field.type in _NOT_INDEXABLE:
        yield Finding(
            "field-not-indexable", f"`{name}` is of type {field.type.value} and cannot be indexed", path
        )


def _check_conditions(model: ModelSpec, path: Path) -> Iterator[Finding]:
    for index, check in enumerate(model.checks):
        try:
            parse_check(check.expression, model.fields)
        except ExpressionError as error:
            yield Finding(
                "bad-check", error.message, (*path, index, "expression"), error.hint, offset=error.offset
            )

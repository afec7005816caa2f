"""What a database or a validator says of a row, as the end of the task that wanted it written.

Messages name fields and constraints and never quote what is sensitive.
"""

from __future__ import annotations

from reconciler.database.failures import ConstraintViolated
from reconciler.database.rows.model import LiveModel
from reconciler.database.storable import UnfitValue
from reconciler.errors import Conflict, RowRefused, RunError
from reconciler.spec.findings import Finding, pointer
from reconciler.spec.task import Write
from reconciler.spec.validation import ValuesInvalid


def changed_meanwhile(what: str) -> Conflict:
    return Conflict(
        f"{what} is no longer what it was when the task began", hint="the task is run again as things are now"
    )


def as_of_now(error: RunError, model: LiveModel, write: Write) -> RunError:
    """What is wrong by the live version of the type may have been right by the one that the task ran on."""
    if model.version == write.type_version:
        return error
    return changed_meanwhile(f"type {write.type}")


def unfit(error: UnfitValue, model: LiveModel) -> RowRefused:
    """A value that no column can hold."""
    return RowRefused(error.message, where=model.name, hint=error.hint)


def invalid(error: ValuesInvalid, model: LiveModel) -> RowRefused:
    """Values that do not fit the fields of the model."""
    told = "; ".join(_told(finding, model) for finding in error.findings[:5])
    first = error.findings[0]
    return RowRefused(told, where=f"{model.name}{pointer(first.path)}", hint=_hint(first, model))


def violated(error: ConstraintViolated, model: LiveModel, write: Write, broken: str = "") -> RunError:
    """`broken` names the reference that led nowhere, where the driver does not tell."""
    match error.kind:
        case "unique":
            return _not_unique(error, model, write)
        case "reference":
            column = model.references.get(error.constraint)
            field = column.name if column else broken
            if not field:
                return refused(model, "", "a reference leads to a row that is not there")
            return refused(model, field, f"`{field}` refers to a row that is not there")
        case "required":
            field = error.columns[0] if error.columns else ""
            return refused(model, field, f"`{field}` is required")
        case "check":
            return _check_failed(error.constraint, model)
        case _:
            return refused(model, "", "the row contradicts a constraint of its table")


def _not_unique(error: ConstraintViolated, model: LiveModel, write: Write) -> RunError:
    columns = model.unique_groups.get(error.constraint) or error.columns
    if not columns or columns == ("id",):  # the primary key: what was reserved for this row is another's
        return Conflict(f"the id reserved for a row of `{model.name}` is taken", where=model.name)
    if write.mode == "upsert" and set(columns) == set(write.key):
        return Conflict(f"another task wrote the row of `{model.name}` with this key", where=model.name)
    names = ", ".join(f"`{name}`" for name in columns)
    return refused(
        model,
        columns[0],
        f"another row of `{model.name}` has the same {names}",
        "use `mode: upsert` to update the row that is there",
    )


def _check_failed(constraint: str, model: LiveModel) -> RowRefused:
    if constraint in model.checks:
        return refused(model, "", f"the row contradicts the check `{model.checks[constraint]}`")
    if constraint in model.bounds:
        field, rule = model.bounds[constraint]
        return refused(model, field, f"`{field}` contradicts its `{rule}`")
    return refused(model, "", f"the row contradicts the constraint `{constraint}`")


def refused(model: LiveModel, field: str, message: str, hint: str = "") -> RowRefused:
    return RowRefused(message, where=f"{model.name}/{field}" if field else model.name, hint=hint)


def _told(finding: Finding, model: LiveModel) -> str:
    field = str(finding.path[0]) if finding.path else ""
    if model.is_sensitive(field):
        return f"`{field}`: a sensitive value does not fit ({finding.code})"
    return f"`{field}`: {finding.message}" if field else finding.message


def _hint(finding: Finding, model: LiveModel) -> str:
    return "" if finding.path and model.is_sensitive(str(finding.path[0])) else finding.hint

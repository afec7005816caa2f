"""The output: the row that a step wrote, or fields taken from a step's result."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.manifests.checks.fields import check_fields
from reconciler.manifests.checks.models import check_references
from reconciler.manifests.checks.pipeline import Walk
from reconciler.manifests.checks.values import check_fit
from reconciler.spec.agent_type import AgentType, Output
from reconciler.spec.findings import Finding, did_you_mean

_PATH = ("spec", "output")


def check_output(agent_type: AgentType, walk: Walk) -> Iterator[Finding]:
    output = agent_type.spec.output
    if output is None:
        return
    if output.from_ is not None and output.from_ not in walk.results:
        yield _unknown_source(output.from_, walk)
    elif output.model is not None:
        yield from _check_row(agent_type, output, output.model, walk)
    if output.fields is not None:
        yield from check_fields(output.fields, (*_PATH, "fields"), "value")
        yield from check_references(agent_type, output.fields, (*_PATH, "fields"))
        yield from _check_fields(output, walk)


def _unknown_source(name: str, walk: Walk) -> Finding:
    path = (*_PATH, "from")
    if name in walk.steps:
        hint = "take the result of the loop itself"
        return Finding(
            "output-unreachable", f"step `{name}` runs inside a loop and has no single result", path, hint
        )
    return Finding("unknown-step", f"there is no step `{name}`", path, did_you_mean(name, walk.results))


def _check_row(agent_type: AgentType, output: Output, model: str, walk: Walk) -> Iterator[Finding]:
    if model not in agent_type.spec.models:
        hint = did_you_mean(model, agent_type.spec.models)
        yield Finding("unknown-model", f"the type has no model `{model}`", (*_PATH, "model"), hint)
        return
    writers = [
        name
        for name, step in walk.steps.items()
        if step.tool == "database_writer" and step.with_.get("model") == model
    ]
    if output.from_ is not None:
        step = walk.steps[output.from_]
        if output.from_ not in writers or step.for_each is not None:
            hint = f"steps that write it: {', '.join(writers)}" if writers else ""
            message = f"step `{output.from_}` does not write one row of `{model}`"
            yield Finding("output-not-written", message, (*_PATH, "from"), hint)
    elif not writers:
        yield Finding("output-not-written", f"no step writes a row of `{model}`", (*_PATH, "model"))
    elif len(writers) > 1:
        hint = "add `from` with one of " + ", ".join(f"`{name}`" for name in writers)
        yield Finding("output-ambiguous", f"more than one step writes `{model}`", (*_PATH, "model"), hint)


def _check_fields(output: Output, walk: Walk) -> Iterator[Finding]:
    if output.from_ is None:
        yield Finding(
            "output-without-source", "fields of an output are taken from a step", _PATH, "add `from: STEP`"
        )
        return
    result = walk.results.get(output.from_)
    if result is None or result.fields is None:
        if result is not None and result.type not in ("any", "json"):
            yield Finding("output-not-object", f"step `{output.from_}` gives no fields", (*_PATH, "from"))
        return
    for name, field in (output.fields or {}).items():
        path, shape = (*_PATH, "fields", name), result.fields.get(name)
        if shape is not None:
            yield from check_fit(shape, field, path)
        elif field.required and field.default is None:
            hint = did_you_mean(name, result.fields)
            yield Finding(
                "unknown-field",
                f"the result of step `{output.from_}` has no `{name}`",
                path,
                hint,
                at_key=True,
            )

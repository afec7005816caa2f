"""`reconcile run`: one task of one agent, here and now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.columns import aligned
from reconciler.cli.console import Console, error_document
from reconciler.cli.invocation import Invocation, shared_options
from reconciler.cli.task_input import task_input, task_settings
from reconciler.database.failures import DatabaseMissing
from reconciler.errors import NotFound, ReconcilerError, RunError, Unavailable, run_error
from reconciler.plans.render.ink import printable

if TYPE_CHECKING:
    from reconciler.execution.inline import Ran
    from reconciler.settings import Settings

WIDEST_VALUE = 400
"""Characters of one value that a terminal is shown."""


@click.command()
@click.argument("agent")
@click.option(
    "--input", "given", metavar="JSON|@FILE|-", default="{}", help="The task's input; - reads standard input."
)
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="A setting, for this run alone.")
@click.option("--trace", "-v", is_flag=True, help="Show every step: how it went, and how long it took.")
@shared_options("source", "database", "json", "debug")
def run(invocation: Invocation, agent: str, given: str, settings: tuple[str, ...], trace: bool) -> int:
    """Run an agent once, and show what it stored.

    The task runs in this process and is recorded as any other. Exits with 8 if it fails.
    """
    values, overrides = task_input(given), task_settings(settings)
    from reconciler.bootstrap import run_once

    found = invocation.settings()
    try:
        ran = run_once(found, agent, values, overrides, actor=invocation.actor())
    except (NotFound, DatabaseMissing) as missing:
        raise _not_deployed(agent, found, missing) from missing
    console, error = invocation.console(), _failed(agent, ran)
    if console.json:
        console.document(_document(agent, ran, error))
        return error.exit_status if error else 0
    if trace:
        console.lines([*_trace_lines(ran.trace), ""])
    if error is not None:
        console.out.flush()
        raise error
    console.lines(_output_lines(ran.output or {}, console))
    console.tell(f"Task {ran.id} succeeded.")
    return 0


def _failed(agent: str, ran: Ran) -> RunError | None:
    failure = ran.failure
    if failure is not None:
        return run_error(failure.code, failure.message, where=failure.where, hint=failure.hint)
    if ran.state.ended:
        return None
    told = f"task {ran.id} waits: agent {agent} is disabled, or has as many tasks as its limits allow"
    return Unavailable(told, hint="a worker runs it once that changes")


def _not_deployed(agent: str, settings: Settings, error: ReconcilerError) -> ReconcilerError:
    """What to do differs where a manifest names the agent and nobody has applied it yet."""
    from reconciler.bootstrap import load_manifests

    if isinstance(error, DatabaseMissing):
        error = NotFound(
            "there are no agents here yet", where=error.where, hint="reconcile --apply deploys them"
        )
    try:
        wanted = f"agent/{agent}" in load_manifests(settings).state.entries
    except ReconcilerError:
        return error
    if not wanted:
        return error
    message = f"agent {agent} is in {settings.source}, but not deployed yet"
    return NotFound(message, hint="reconcile --apply deploys it")


def _document(agent: str, ran: Ran, error: RunError | None) -> dict[str, Any]:
    document = {
        "task": ran.id,
        "agent": agent,
        "state": ran.state.value,
        "output": _plain(ran.output),
        "trace": [dict(step) for step in ran.trace],
    }
    return document | ({"error": error_document(error)} if error is not None else {})


def _output_lines(output: Mapping[str, Any], console: Console) -> Iterator[str]:
    width = max((len(name) for name in output), default=0)
    for name, value in output.items():
        text = value if isinstance(value, str) else json.dumps(_plain(value), ensure_ascii=False)
        shown = text if len(text) <= WIDEST_VALUE else f"{text[:WIDEST_VALUE]}… ({len(text):,} characters)"
        yield f"{console.faint(name.ljust(width))}  {printable(shown)}"


def _trace_lines(trace: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    rows = [
        (
            step["step"],
            step["call"],
            str(step["attempt"]),
            step["status"],
            f"{step['duration'] * 1000:.1f} ms",
            ": ".join(filter(None, (step.get("error_code", ""), step.get("error", "")))) or _spent(step),
        )
        for step in trace
    ]
    yield from aligned(("STEP", "CALLS", "TRY", "STATUS", "TOOK", "NOTE"), rows)


def _spent(step: Mapping[str, Any]) -> str:
    return f"{step['model']}, {step['tokens']} tokens" if step.get("model") else ""


def _plain(value: Any) -> Any:
    """A decimal is its digits, as everywhere in JSON."""
    from decimal import Decimal

    match value:
        case Decimal():
            return str(value)
        case Mapping():
            return {name: _plain(item) for name, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value

"""`reconcile tasks`: submit tasks, see what became of them, cancel them, bring back those that were given up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.columns import aligned, moment
from reconciler.cli.console import Console
from reconciler.cli.invocation import Invocation, shared_options
from reconciler.cli.task_input import task_input, task_settings
from reconciler.errors import NotFound, UsageError
from reconciler.plans.render.ink import Tone, paint, printable

if TYPE_CHECKING:
    from reconciler.database.connection import Connection
    from reconciler.database.tasks import TaskLine, TaskRecord

DEAD = "dead_letter"
LISTED = "list them with `reconcile tasks list`"
STATES = ("pending", "running", "succeeded", "failed", "cancelled", "dead_letter")
_TONES = {
    "succeeded": Tone.ADD,
    "failed": Tone.STOP,
    "dead_letter": Tone.STOP,
    "cancelled": Tone.WARN,
    "running": Tone.STRONG,
}


@click.group()
def tasks() -> None:
    """Submit tasks, list them, cancel them, re-drive those that were given up."""


@tasks.command()
@click.argument("agent")
@click.option(
    "--input", "given", metavar="JSON|@FILE|-", default="{}", help="The task's input; - reads standard input."
)
@click.option(
    "--set", "settings", metavar="NAME=VALUE", multiple=True, help="A setting, for this task alone."
)
@click.option("--key", metavar="TEXT", default="", help="Idempotency key: submitted twice, it is one task.")
@click.option(
    "--attempts", type=click.IntRange(1, 100), default=3, show_default=True, help="Attempts at most."
)
@shared_options("database", "json", "debug")
def submit(
    invocation: Invocation, agent: str, given: str, settings: tuple[str, ...], key: str, attempts: int
) -> None:
    """Put a task into the queue, for a worker to run."""
    from reconciler.bootstrap import task_queue

    values, overrides = task_input(given), task_settings(settings)
    with _database(invocation) as connection:
        submitted = task_queue(connection, invocation.settings()).submit(
            agent,
            values,
            settings=overrides,
            idempotency_key=key,
            max_attempts=attempts,
            origin="cli",
            actor=invocation.actor(),
        )
    console = invocation.console()
    if console.json:
        console.document({"task": submitted.id, "created": submitted.created})
    else:
        console.lines([submitted.id])
        if not submitted.created:
            console.tell("There is a task of this key already; it is the one meant.")


@tasks.command("list")
@click.option("--agent", metavar="NAME", default="", help="Of this agent.")
@click.option("--type", "type_", metavar="NAME", default="", help="Of agents of this type.")
@click.option(
    "--state", "states", type=click.Choice(STATES), multiple=True, help="In this state; may be repeated."
)
@click.option("--error", metavar="CODE", default="", help="Failed with this code.")
@click.option("--since", metavar="TIME", default="", help="Submitted from then on; ISO 8601, in UTC.")
@click.option("--until", metavar="TIME", default="", help="Submitted before then.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--cursor", metavar="TEXT", default="", help="What follows a page; its `next` as it was given.")
@shared_options("database", "json", "debug")
def list_(
    invocation: Invocation,
    agent: str,
    type_: str,
    states: tuple[str, ...],
    error: str,
    since: str,
    until: str,
    limit: int,
    cursor: str,
) -> None:
    """List tasks, the newest first."""
    from reconciler.database.tasks import TaskFilter, list_tasks
    from reconciler.spec.task import TaskState

    wanted = TaskFilter(agent, type_, tuple(map(TaskState, states)), error, since, until)
    with _database(invocation) as connection:
        page = list_tasks(connection, wanted, cursor, limit)
    console = invocation.console()
    if console.json:
        console.document({"tasks": [asdict(line) for line in page.tasks], "next": page.next})
        return
    if not page.tasks:
        console.lines(["No task matches." if wanted != TaskFilter() else "There are no tasks yet."])
        return
    heads = ("TASK", "AGENT", "STATE", "TRY", "SUBMITTED (UTC)", "FROM", "ERROR")
    console.lines(aligned(heads, [_row(line) for line in page.tasks]))
    if page.next:
        console.tell(f"There are more: --cursor {page.next}")


@tasks.command()
@click.argument("task")
@shared_options("database", "json", "debug")
def show(invocation: Invocation, task: str) -> None:
    """Show one task: its input, what came of it, and every step it took."""
    from reconciler.database.tasks import get

    with _database(invocation) as connection:
        record = get(connection, task)
    console = invocation.console()
    if console.json:
        document = asdict(record)
        console.document({**document.pop("line"), **document})
    else:
        console.lines(_lines(record, console))


@tasks.command()
@click.argument("ids", metavar="TASK...", nargs=-1, required=True)
@click.option("--reason", metavar="TEXT", default="", help="Why, for whoever looks at the task.")
@shared_options("database", "json", "debug")
def cancel(invocation: Invocation, ids: tuple[str, ...], reason: str) -> None:
    """Cancel tasks. One that runs is stopped within seconds, and none of its rows is kept."""
    from reconciler.database.doorbell import ring
    from reconciler.database.tasks import cancel as cancel_task

    with _database(invocation) as connection:
        _states(connection, ids)
        states = {id_: cancel_task(connection, id_, invocation.actor(), reason).value for id_ in ids}
        ring(connection)
    console = invocation.console()
    if console.json:
        console.document({"tasks": states})
        return
    for id_, state in states.items():
        told = {"cancelled": "is cancelled", "running": "runs and is being stopped"}
        console.lines([f"{id_} {told.get(state, f'had ended before: {state}')}"])


@tasks.command()
@click.argument("ids", metavar="TASK...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All dead letters there are.")
@click.option("--agent", metavar="NAME", default="", help="With --all: only those of this agent.")
@shared_options("database", "json", "debug")
def redrive(invocation: Invocation, ids: tuple[str, ...], every: bool, agent: str) -> None:
    """Let tasks that used up their attempts be tried again: all that are named, or none."""
    from reconciler.database.doorbell import ring
    from reconciler.database.tasks import redrive as redrive_tasks

    if bool(ids) == every:
        raise UsageError("name tasks, or --all", hint="reconcile tasks list --state dead_letter")
    with _database(invocation) as connection:
        wanted = [*ids] if ids else [*_dead_letters(connection, agent)]
        if others := [f"{id_} ({state})" for id_, state in _states(connection, ids) if state != DEAD]:
            raise NotFound(
                f"no dead letter: {', '.join(others)}", hint=f"reconcile tasks list --state {DEAD}"
            )
        driven = redrive_tasks(connection, wanted, invocation.actor())
        ring(connection)
    console = invocation.console()
    if console.json:
        console.document({"tasks": driven})
    else:
        console.lines([*driven] or ["There are no dead letters."])


@contextmanager
def _database(invocation: Invocation) -> Iterator[Connection]:
    from reconciler.database.connection import connect
    from reconciler.database.failures import DatabaseMissing
    from reconciler.database.upgrade import has_catalog

    nothing = NotFound("there are no agents here yet", hint="reconcile --apply deploys them")
    try:
        connection = connect(invocation.settings().database, create=False)
    except DatabaseMissing as error:
        raise nothing from error
    with connection:
        if not has_catalog(connection):
            raise nothing
        yield connection


def _states(connection: Connection, ids: Sequence[str]) -> list[tuple[str, str]]:
    """Of tasks by id. Raises NotFound, naming all that there are not."""
    found = [(id_, connection.execute("SELECT state FROM tasks WHERE id = ?", (id_,))) for id_ in ids]
    if missing := [id_ for id_, rows in found if not rows]:
        tasks = "no task" if len(missing) == 1 else "no tasks"
        raise NotFound(
            f"there {'is' if len(missing) == 1 else 'are'} {tasks} {', '.join(missing)}", hint=LISTED
        )
    return [(id_, str(rows[0][0])) for id_, rows in found]


def _dead_letters(connection: Connection, agent: str) -> Iterator[str]:
    from reconciler.database.tasks import TaskFilter, list_tasks
    from reconciler.spec.task import TaskState

    cursor = ""
    while True:
        page = list_tasks(connection, TaskFilter(agent, states=(TaskState.DEAD_LETTER,)), cursor, 1000)
        yield from (line.id for line in page.tasks)
        cursor = page.next
        if not cursor:
            return


def _row(line: TaskLine) -> tuple[str, ...]:
    return (
        line.id,
        line.agent,
        line.state.value,
        f"{line.attempts}/{line.max_attempts}",
        moment(line.submitted_at),
        line.origin,
        line.error_code or "",
    )


def _lines(record: TaskRecord, console: Console) -> Iterator[str]:
    line = record.line
    state = paint(line.state.value, _TONES.get(line.state.value, Tone.FAINT), console.colour_out)
    yield f"{console.strong(line.id)}  {state}"
    facts: dict[str, Any] = {
        "Agent": line.agent,
        "Type": f"{line.type} {line.type_version}".strip() if line.kind == "dynamic" else "static",
        "Attempt": f"{line.attempts} of {line.max_attempts}",
        "Submitted": " ".join(
            filter(None, (moment(line.submitted_at), line.origin and f"by {line.origin}", line.actor))
        ),
        "Started": moment(line.started_at),
        "Ended": moment(line.finished_at),
        "Worker": line.worker,
        "Revision": record.revision or "",
        "Model": " ".join(filter(None, (record.model, f"{line.tokens:,} tokens" if line.tokens else ""))),
        "Cancel": record.cancel_requested,
    }
    for name, value in facts.items():
        if value:
            yield _fact(name, str(value), console)
    yield from _section("Input", record.input, console)
    yield from _section("Settings", record.settings, console)
    yield from _section("Output", record.output or {}, console)
    if record.failure is not None:
        yield _fact("Error", f"{record.failure.code}: {record.failure.message}", console)
        for name, text in (("At", record.failure.where), ("Hint", record.failure.hint)):
            if text:
                yield _fact(name, text, console)
    if record.trace:
        yield ""
        rows = [
            (
                str(s["step"]),
                str(s["call"]),
                str(s["attempt"]),
                str(s["status"]),
                f"{s['duration'] * 1000:.1f} ms",
            )
            for s in record.trace
        ]
        yield from aligned(("STEP", "CALLS", "TRY", "STATUS", "TOOK"), rows)


def _submitted(line: TaskLine) -> str:
    by = " ".join(filter(None, (line.origin, line.actor)))
    return moment(line.submitted_at) + (f" by {by}" if by else "")


def _section(name: str, values: Any, console: Console) -> Iterator[str]:
    from reconciler.database.json_text import to_json

    if values:
        yield _fact(name, to_json(values), console)


def _fact(name: str, text: str, console: Console) -> str:
    return f"  {console.faint(name.ljust(10))} {printable(text)}"

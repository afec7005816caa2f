"""`reconcile results`: the rows that agents wrote."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import click

from reconciler.cli.columns import aligned
from reconciler.cli.console import Console
from reconciler.cli.invocation import Invocation, shared_options
from reconciler.errors import NotFound

if TYPE_CHECKING:
    from reconciler.database.connection import Connection
    from reconciler.database.rows.queries import Page, RowQuery
    from reconciler.database.rows.targets import Target

DEFAULT_LIMIT = 20
WIDEST_CELL = 60


@click.command()
@click.argument("named", metavar="AGENT|TYPE[.MODEL]")
@click.option(
    "--where",
    metavar="FIELD=VALUE",
    multiple=True,
    help="Condition; also != < <= > >= ~= (contains). May be repeated: all must hold.",
)
@click.option(
    "--sort", metavar="FIELD,...", help="Fields to sort by, `-` in front: descending. Default: -id."
)
@click.option("--fields", metavar="FIELD,...", help="Only these.")
@click.option("--include", metavar="FIELD,...", help="References whose rows come along.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), help="Most rows. Default: 20; a file has all.")
@click.option("--after", metavar="CURSOR", default="", help="Go on behind a page.")
@click.option("--count", is_flag=True, help="Tell how many there are in all.")
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), help="Write all of them as a file.")
@shared_options("database", "json", "debug")
def results(
    invocation: Invocation,
    named: str,
    where: Sequence[str],
    sort: str | None,
    fields: str | None,
    include: str | None,
    limit: int | None,
    after: str,
    count: bool,
    form: Literal["jsonl", "csv"] | None,
) -> None:
    """Show the rows that agents wrote.

    The newest come first.

    \b
      reconcile results support-inbox --where "urgency>=4" --sort -urgency
      reconcile results email-analysis.action_item --format csv > items.csv

    Without a MODEL it is the one of the type's output; of a static agent, which has no tables, the outputs of its
    tasks are shown. Values: `null` is no value, `[a, b]` one of several.
    """
    if form and (include or after or invocation.json):
        raise click.UsageError("--format goes with neither --include, --after nor --json")
    console = invocation.console()
    with _database(invocation) as connection:
        from reconciler.bootstrap import open_cipher
        from reconciler.database.rows.live_models import LiveModels
        from reconciler.database.rows.queries import RowQuery, page
        from reconciler.database.rows.spoken import parse_where
        from reconciler.database.rows.targets import target

        if _is_static(connection, named):
            if any((where, sort, fields, include, count, form)):
                raise click.UsageError(
                    f"{named} is a static agent, without tables: only --limit and --after go"
                )
            _show(_outputs(connection, named, limit or DEFAULT_LIMIT, after), RowQuery(), console)
            return
        models = LiveModels(connection, open_cipher(invocation.settings()))
        found = target(connection, models, named)
        query = RowQuery(
            where=found.narrowed(parse_where(found.model, where)),
            order_by=_names(sort) or ("-id",),
            fields=_names(fields),
            limit=limit or DEFAULT_LIMIT,
            cursor=after,
            include=_names(include),
            count=count,
        )
        if form:
            _export(connection, found, query, form, limit, console)
        else:
            _show(page(connection, models, found.model, query), query, console)


@contextmanager
def _database(invocation: Invocation) -> Iterator[Connection]:
    """Open while it is read from. Raises NotFound where nothing was ever applied."""
    from reconciler.database.connection import connect
    from reconciler.database.upgrade import has_catalog

    settings = invocation.settings()
    with connect(settings.database, create=False, lock_timeout=settings.lock_timeout) as connection:
        if not has_catalog(connection):
            raise NotFound("nothing was applied yet, so that there are no rows", hint="reconcile --apply")
        yield connection


def _is_static(connection: Connection, named: str) -> bool:
    from reconciler.agents.static import installed_agents

    if connection.execute("SELECT 1 FROM agents WHERE name = ? AND deleted_at IS NULL", (named,)):
        return False  # it was there first
    return named in installed_agents().names()


def _outputs(connection: Connection, agent: str, limit: int, after: str) -> Page:
    from reconciler.database import tasks
    from reconciler.database.rows.queries import Page
    from reconciler.spec.task import TaskState

    filters = tasks.TaskFilter(agent=agent, states=(TaskState.SUCCEEDED,))
    page = tasks.list_tasks(connection, filters, after, limit)
    given = tasks.outputs(connection, [task.id for task in page.tasks])
    rows = [
        {**given.get(task.id, {}), "task_id": task.id, "created_at": task.finished_at} for task in page.tasks
    ]
    return Page(rows, page.next)


def _names(said: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (said or "").split(",") if part.strip())


def _export(
    connection: Connection,
    found: Target,
    query: RowQuery,
    form: Literal["jsonl", "csv"],
    limit: int | None,
    console: Console,
) -> None:
    from reconciler.database.rows.export import exported
    from reconciler.database.rows.queries import chosen_fields, every_row

    rows = itertools.islice(every_row(connection, found.model, query), limit)
    for piece in exported(rows, chosen_fields(found.model, query.fields), form):
        console.out.write(piece)


def _show(page: Page, query: RowQuery, console: Console) -> None:
    if console.json:
        from reconciler.database.json_text import from_json, to_json

        counted = {} if page.total is None else {"total": page.total}
        # Through the text, in which decimals are the texts of their digits.
        console.document({"rows": from_json(to_json(page.rows)), "next": page.next or None, **counted})
        return
    if page.rows:
        names = list(page.rows[0])
        if not query.fields:
            names = [name for name in names if any(row[name] is not None for row in page.rows)]
        console.lines(aligned(names, [[_cell(row[name]) for name in names] for row in page.rows]))
    else:
        console.lines(["No rows."])
    if page.total is not None:
        console.tell(f"{page.total:,} in all")
    if page.next:
        console.tell(f"… more: --after {page.next}")


def _cell(value: Any) -> str:
    from reconciler.database.json_text import to_json

    text = value if isinstance(value, str) else "" if value is None else to_json(value).strip('"')
    line = " ".join(text.split())
    return line if len(line) <= WIDEST_CELL else line[: WIDEST_CELL - 1] + "…"

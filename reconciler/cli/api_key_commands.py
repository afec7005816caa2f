"""Commands about the keys of the API: keys create, list, revoke."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.columns import aligned, moment
from reconciler.cli.invocation import Invocation, shared_options

if TYPE_CHECKING:
    from reconciler.database.api_keys import ApiKey
    from reconciler.database.connection import Connection

ROLES = ("viewer", "author", "operator", "admin")
_UNITS = {"h": 3_600, "d": 86_400, "w": 604_800}


def _after(context: click.Context, parameter: click.Parameter, text: str | None) -> timedelta | None:
    if text is None:
        return None
    given = re.fullmatch("([1-9][0-9]{0,3})([hdw])", text)
    if given is None:
        raise click.BadParameter(f"{text!r} is no time; write it in hours, days or weeks: 12h, 30d, 26w")
    return timedelta(seconds=int(given[1]) * _UNITS[given[2]])


@click.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What it may do, and all before it.")
@click.option(
    "--expires", metavar="TIME", callback=_after, help="When it ends: 12h, 30d, 26w. Default: never."
)
@shared_options("database", "json", "debug")
def create(invocation: Invocation, name: str, role: str, expires: timedelta | None) -> None:
    """Make a key of the API. It is shown this once; only a keyed hash of it is kept.

    \b
    viewer    reads
    author    also writes manifests and submits tasks
    operator  also applies, rolls back, enables, cancels
    admin     also destroys, and hands out keys
    """
    from api.config import pepper_of
    from reconciler.database.api_keys import Role, create_key

    until = None if expires is None else datetime.now(UTC) + expires
    with _database(invocation) as connection:
        text, key = create_key(
            connection, name, Role(role), pepper=pepper_of(), created_by=invocation.actor(), expires_at=until
        )
    console = invocation.console()
    if console.json:
        console.document({"key": text, **_document(key)})
    else:
        console.lines([text])
        console.tell(f"Key {key.id} of {key.name}, {key.role.value}. It is not shown again.")


@click.command(name="list")
@shared_options("database", "json", "debug")
def list_(invocation: Invocation) -> None:
    """List the keys of the API, newest first, without what is secret in them."""
    from reconciler.database.api_keys import keys

    with _database(invocation) as connection:
        found = keys(connection)
    console = invocation.console()
    if console.json:
        console.document({"keys": [_document(key) for key in found]})
    elif found:
        heads = ("ID", "NAME", "ROLE", "CREATED", "BY", "LAST USED", "EXPIRES", "REVOKED")
        console.lines(aligned(heads, [_row(key) for key in found]))
    else:
        console.lines(["No keys. `reconcile keys create NAME --role ROLE` makes one."])


@click.command()
@click.argument("identity", metavar="ID")
@shared_options("database", "json", "debug")
def revoke(invocation: Invocation, identity: str) -> None:
    """End a key of the API, at once and for good."""
    from reconciler.database.api_keys import revoke_key

    with _database(invocation) as connection:
        key = revoke_key(connection, identity)
    console = invocation.console()
    if console.json:
        console.document(_document(key))
    else:
        console.lines([f"Key {key.id} of {key.name} is revoked since {moment(key.revoked_at)}."])


@contextmanager
def _database(invocation: Invocation) -> Iterator[Connection]:
    """Made where it is not there: a server's first key comes before its first apply."""
    from reconciler.database.connection import connect
    from reconciler.database.upgrade import ensure_catalog

    settings = invocation.settings()
    with connect(settings.database, lock_timeout=settings.lock_timeout) as connection:
        ensure_catalog(connection)
        yield connection


def _row(key: ApiKey) -> tuple[str, ...]:
    times = (key.last_used_at, key.expires_at, key.revoked_at)
    return (key.id, key.name, key.role.value, moment(key.created_at), key.created_by, *map(moment, times))


def _document(key: ApiKey) -> dict[str, Any]:
    return asdict(key)

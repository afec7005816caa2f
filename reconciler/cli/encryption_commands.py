"""Commands about the keys of encrypted fields: keys generate, rotate."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from reconciler.cli.invocation import Invocation, shared_options
from reconciler.errors import NotFound, UsageError

if TYPE_CHECKING:
    from reconciler.cli.console import Console
    from reconciler.database.encryption import Keyring
    from reconciler.database.rotation import Rotated


@click.command()
@click.argument("key_id", metavar="[ID]", default="k1")
def generate(key_id: str) -> None:
    """Make a key for encrypted fields, to be put in front of those in RECONCILER_ENCRYPTION_KEYS.

    Nothing is stored: what is printed is the only copy there is.
    """
    from reconciler.database.encryption import generate as new_key

    click.echo(new_key(key_id))


@click.command()
@click.option(
    "--batch", type=click.IntRange(1, 10_000), default=500, help="Rows a transaction. Default: 500."
)
@click.option("--reason", metavar="TEXT", default="", help="Why, for the audit.")
@shared_options("database", "json", "debug")
def rotate(invocation: Invocation, batch: int, reason: str) -> int:
    """Bring every encrypted value under the newest key, while everything runs.

    First start workers and servers with the new key in front of the old one. Interrupted, it goes on where it was.
    A key may be taken away once nothing is left under it.
    """
    from reconciler.bootstrap import open_cipher
    from reconciler.database.connection import connect
    from reconciler.database.encryption import Keyring
    from reconciler.database.rotation import rotate as rotate_keys
    from reconciler.database.upgrade import has_catalog

    settings, console = invocation.settings(), invocation.console()
    keyring = open_cipher(settings)
    if not isinstance(keyring, Keyring):
        raise UsageError("there is no key to rotate to", hint="`reconcile keys generate` makes one")
    with connect(settings.database, create=False, lock_timeout=settings.lock_timeout) as connection:
        if not has_catalog(connection):
            raise NotFound("nothing was applied yet, so that nothing is encrypted", hint="reconcile --apply")
        done = rotate_keys(connection, keyring, actor=invocation.actor(), reason=reason, batch=batch)
    return _show(done, keyring, console)


def _show(done: Rotated, keyring: Keyring, console: Console) -> int:
    if console.json:
        console.document({"key": keyring.newest, **asdict(done)})
    else:
        rows, tables = _counted(done.rows, "row"), _counted(done.tables, "table")
        told = f"Sealed anew under {keyring.newest}: {rows} of {tables}."
        console.lines([told if done.tables else "No table has encrypted fields."])
        console.lines([f"  ! {reason}" for reason in done.reasons])
        if done.left > done.unopened:
            console.tell(
                f"{_counted(done.left - done.unopened, 'row')} written under a former key meanwhile:"
                " start workers with the new key in front, then rotate again"
            )
        if done.unopened:
            console.tell(f"{_counted(done.unopened, 'row')} could not be opened, and left as before")
        elif not done.left and len(keyring.names) > 1:
            console.tell(f"No longer needed: {', '.join(keyring.names[1:])}")
    return 1 if done.left else 0


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"

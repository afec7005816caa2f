"""`reconcile sdk`: typed clients for the types that there are."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.docs_command import open_generator
from reconciler.cli.invocation import Invocation, shared_options
from reconciler.cli.output_files import write_files


@click.group()
def sdk() -> None:
    """Write a typed client for the types that there are."""


@sdk.command()
@click.option(
    "--out",
    metavar="DIR",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Write there.",
)
@shared_options("source", "debug")
def typescript(invocation: Invocation, out: Path) -> None:
    """Write an npm package: types, zod validators, a client, React hooks and mocks.

    Made anew after a change of a type, it shows the change as a compile error.
    """
    from api.sdk import sdk_package
    from reconciler import __version__

    types = open_generator(invocation).types()
    written = write_files(out, sdk_package(types, __version__))
    invocation.console().tell(f"Wrote {written} files for {len(types)} types to {out}.")

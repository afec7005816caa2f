"""Commands that take types, agents and their rows out of a database, and into another: export, import."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.applying import outcome_document
from reconciler.cli.columns import aligned
from reconciler.cli.console import Console
from reconciler.cli.invocation import Invocation, shared_options
from reconciler.cli.lifecycle_commands import author, catalog, direct_option, forge_option, show_road
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.control.exports.exporting import Exported
    from reconciler.control.exports.importing import Imported, ImportPreview

SUFFIX = ".tar.gz"


@click.command("export")
@click.argument("address", metavar="type/NAME|agent/NAME", required=False, default="")
@click.option("--all", "every", is_flag=True, help="All types with their agents.")
@click.option("--out", metavar="FILE|DIR", required=True, type=click.Path(path_type=Path))
@click.option("--tasks", is_flag=True, help="Tasks that have ended too, with their traces.")
@click.option(
    "--include-sensitive", is_flag=True, help="Values of sensitive fields, instead of masking them."
)
@click.option("--decrypt", is_flag=True, help="Values of encrypted fields opened; else they stay sealed.")
@click.option("--reason", metavar="TEXT", default="", help="Why, for the audit.")
@shared_options("database", "json", "debug")
def export(
    invocation: Invocation,
    address: str,
    every: bool,
    out: Path,
    tasks: bool,
    include_sensitive: bool,
    decrypt: bool,
    reason: str,
) -> None:
    """Write manifests and rows into one file.

    Manifests of all versions, and the rows as they are at one moment. A masked export is for reading: only one with
    --include-sensitive can be imported where fields are sensitive.
    """
    from reconciler.bootstrap import open_cipher
    from reconciler.control.exports.exporting import ExportOptions
    from reconciler.control.exports.exporting import export as exported

    if bool(address) is every:
        raise UsageError("name what to export, or say --all")
    console = invocation.console()
    progress = console.progress()
    try:
        with catalog(invocation) as connection:
            done = exported(
                connection,
                address,
                _file(out, address),
                ExportOptions(tasks, include_sensitive, decrypt),
                cipher=open_cipher(invocation.settings()),
                actor=invocation.actor(),
                reason=reason,
                progress=progress,
            )
    finally:
        progress.close()
    _show_exported(done, console)


@click.command("import")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--preview", is_flag=True, help="Verify the file, and only show what it would bring.")
@click.option("--reason", metavar="TEXT", default="", help="Why, for the history and the audit.")
@forge_option
@direct_option
@shared_options("source", "database", "json", "yes", "debug")
def import_(
    invocation: Invocation, file: Path, preview: bool, reason: str, forge: str | None, direct: bool
) -> None:
    """Bring an export into this source and database.

    The same manifests, the same rows with the same ids. All rows are loaded or none. In a git source the manifests are
    proposed; once they are merged and applied, the same command loads the rows.
    """
    from reconciler.bootstrap import open_cipher, open_proposer, open_writer
    from reconciler.control.exports.archive import ArchiveReader
    from reconciler.control.exports.importing import import_ as imported
    from reconciler.control.exports.importing import preview_of
    from reconciler.database.connection import connect, database_exists
    from reconciler.database.upgrade import has_catalog

    console, settings = invocation.console(), invocation.settings()
    writer = open_writer(settings, forge=forge or "", direct=direct)
    with ArchiveReader(file) as archive:
        exists = database_exists(settings.database)
        with connect(settings.database, create=False) if exists else nullcontext() as there:
            known = there if there is not None and has_catalog(there) else None
            told = preview_of(known, open_proposer(settings, writer).state, archive)
        if preview or not console.json:
            _show_preview(told, console)
        if preview:
            return
        console.confirm(f"Import {told.exported} into {settings.source}?", yes=invocation.yes)
        progress = console.progress()
        try:
            with connect(settings.database, lock_timeout=settings.lock_timeout) as connection:
                done = imported(
                    settings,
                    connection,
                    lambda: open_proposer(settings, writer),
                    archive,
                    cipher=open_cipher(settings),
                    actor=invocation.actor(),
                    author=author(invocation),
                    reason=reason,
                    progress=progress,
                )
        finally:
            progress.close()
    _show_imported(done, console)


def _file(out: Path, address: str) -> Path:
    if not out.is_dir():
        return out
    name = address.partition("/")[2] or "all"
    return out / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{SUFFIX}"


def _show_exported(done: Exported, console: Console) -> None:
    if console.json:
        console.document(asdict(done))
        return
    if done.rows:
        console.lines(aligned(("TABLE", "ROWS"), [(name, f"{rows:,}") for name, rows in done.rows.items()]))
    tasks = f", {done.tasks:,} tasks" if done.tasks else ""
    console.lines([f"{', '.join(done.objects)}{tasks}: {done.path}, {done.bytes:,} bytes"])
    if done.masked:
        console.tell(f"masked: {', '.join(done.masked)}")
    if done.parked:
        console.tell(
            f"not in the file, as it is parked: {', '.join(done.parked)}; `reconcile archive` lists it, and what is"
            " brought back is exported"
        )


def _show_preview(told: ImportPreview, console: Console) -> None:
    if console.json:
        console.document({"preview": asdict(told)})
        return
    console.lines([f"Export of {told.exported}, made at {told.exported_at}; every part is as it was written"])
    console.lines(
        aligned(("OBJECT", "VERSION", "HERE"), [(o.address, o.version, o.state) for o in told.objects])
    )
    if told.rows:
        console.lines(aligned(("TABLE", "ROWS"), [(name, f"{rows:,}") for name, rows in told.rows.items()]))
    if told.sealed:
        console.lines([f"sealed, to be read with the keys of then: {', '.join(told.sealed)}"])
    console.lines([f"in the way: {obstacle}" for obstacle in told.obstacles])


def _show_imported(done: Imported, console: Console) -> None:
    if console.json:
        console.document(
            {
                "preview": asdict(done.preview),
                "loaded": done.loaded,
                "proposed": asdict(done.proposed) if done.proposed else None,
                "outcome": outcome_document(done.outcome) if done.outcome else None,
            }
        )
        return
    if done.proposed is not None:
        show_road(done.proposed, done.outcome, console)
    if done.loaded:
        console.lines([f"Loaded {sum(done.preview.rows.values()):,} rows."])
    else:
        console.lines(["No rows are loaded yet: once the manifests are applied, run the same command again."])

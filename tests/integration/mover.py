"""A process that exports or imports, and tells by how many MiB its memory grew at most."""

from __future__ import annotations

import sys
from pathlib import Path

from reconciler.bootstrap import open_cipher, open_proposer, open_writer
from reconciler.control.exports.archive import ArchiveReader
from reconciler.control.exports.exporting import ExportOptions, export
from reconciler.control.exports.importing import import_
from reconciler.control.proposals import Author
from reconciler.database.connection import Connection, connect
from reconciler.settings import Settings


def main(way: str, path: str, again: str) -> None:
    """`path` is what is moved, `again` something small, done first so that all is loaded that the work needs."""
    settings = Settings.from_environment()
    with connect(settings.database) as connection:
        if way == "out":
            _export(settings, connection, Path(again), "agent/helper")
        else:
            ArchiveReader(Path(again)).__exit__()
        before = _peak()
        if way == "out":
            _export(settings, connection, Path(path), "type/estate")
        else:
            _import(settings, connection, Path(path))
    print(_peak() - before)


def _export(settings: Settings, connection: Connection, path: Path, address: str) -> None:
    options = ExportOptions(sensitive=True)
    export(connection, address, path, options, cipher=open_cipher(settings), actor="ann")


def _import(settings: Settings, connection: Connection, path: Path) -> None:
    writer = open_writer(settings)
    with ArchiveReader(path) as archive:
        import_(
            settings,
            connection,
            lambda: open_proposer(settings, writer),
            archive,
            cipher=open_cipher(settings),
            actor="ann",
            author=Author("ann"),
        )


def _peak() -> int:
    """Of this process alone: what `getrusage` tells begins with its parent's."""
    (line,) = (
        text for text in Path("/proc/self/status").read_text().splitlines() if text.startswith("VmHWM")
    )
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    main(*sys.argv[1:])

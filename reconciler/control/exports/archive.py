"""The format of exports: a gzipped tar that says of itself what is in it.

    objects/type/NAME/VERSION-DIGEST.yaml      every version of every manifest
    tables/TABLE/000001.jsonl                  rows, one JSON object a line, by id
    tasks/000001.jsonl                         tasks that have ended, if they were asked for
    manifest.json                              at the end: format, contents, and the SHA-256 of every part

Parts are small enough to be held in memory, so that neither side needs more of it for a larger table. Whoever reads
verifies all parts before believing one.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from reconciler.errors import ReconcilerError, SourceError, UsageError

FORMAT = "reconciler-export/1"
CONTENTS = "manifest.json"
PART_BYTES = 1 << 20
"""A part is closed once it is as long."""
LARGEST_PART = 256 << 20
"""A part holds one row at least, and no row is longer."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")


class ArchiveDamaged(ReconcilerError):
    """A file that is no export, or not as it was written."""

    code = "export-damaged"
    http_status = 422


@dataclass(frozen=True, slots=True)
class Part:
    sha256: str
    bytes: int


@dataclass
class ArchiveWriter:
    """Writes parts one after the other; `contents` is the table of contents, to be filled meanwhile."""

    _tar: tarfile.TarFile
    contents: dict[str, Any]
    parts: dict[str, Part] = field(default_factory=dict)

    def add(self, name: str, data: bytes) -> None:
        self.parts[name] = Part(hashlib.sha256(data).hexdigest(), len(data))
        self._put(name, data)

    def add_lines(self, folder: str, lines: Iterable[bytes]) -> list[str]:
        """The lines in parts of bounded size; the names of these."""
        names: list[str] = []
        buffer, held = io.BytesIO(), 0
        for line in lines:
            held += buffer.write(line)
            if held >= PART_BYTES:
                names.append(self._part(folder, len(names), buffer))
                buffer, held = io.BytesIO(), 0
        if held:
            names.append(self._part(folder, len(names), buffer))
        return names

    def _part(self, folder: str, count: int, buffer: io.BytesIO) -> str:
        name = f"{folder}/{count + 1:06}.jsonl"
        self.add(name, buffer.getvalue())
        return name

    def _finish(self) -> None:
        parts = {name: {"sha256": part.sha256, "bytes": part.bytes} for name, part in self.parts.items()}
        text = json.dumps({**self.contents, "parts": parts}, indent=1, ensure_ascii=False)
        self._put(CONTENTS, text.encode())

    def _put(self, name: str, data: bytes) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode, entry.mtime = len(data), 0o600, int(time.time())
        self._tar.addfile(entry, io.BytesIO(data))


@contextmanager
def written(path: Path, contents: Mapping[str, Any]) -> Iterator[ArchiveWriter]:
    """A new archive, which is there whole or not at all, readable by its owner only. Raises UsageError where there is
    such a file, SourceError where none can be written."""
    if path.exists():
        raise UsageError(f"{path} is there already", hint="name another file, or move that one away")
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with tarfile.open(fileobj=file, mode="w|gz", format=tarfile.PAX_FORMAT) as tar:
                writer = ArchiveWriter(tar, {"format": FORMAT, **contents})
                yield writer
                writer._finish()
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


class ArchiveReader:
    """An archive whose parts were all verified. A context manager."""

    def __init__(self, path: Path) -> None:
        """Raises ArchiveDamaged, SourceError."""
        try:
            self._file: IO[bytes] = path.open("rb")
        except OSError as error:
            reason = error.strerror or str(error)
            raise SourceError(f"{path} cannot be read: {reason}", hint="name an export") from error
        try:
            self.contents: dict[str, Any] = self._verified()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> ArchiveReader:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    def part(self, name: str) -> bytes:
        """One part, found by reading through the archive. Raises ArchiveDamaged."""
        for _, data in self.each(lambda other: other == name):
            return data
        raise ArchiveDamaged(f"the export has no part {name}")

    def each(self, wanted: Any) -> Iterator[tuple[str, bytes]]:
        """(name, content) of the parts that are wanted, in the order in which they were written."""
        self._file.seek(0)
        try:
            with tarfile.open(fileobj=self._file, mode="r|gz") as tar:
                for entry in tar:
                    if not entry.isreg() or not _NAME.fullmatch(entry.name) or entry.size > LARGEST_PART:
                        raise ArchiveDamaged(f"the export holds {entry.name[:80]!r}, which no export does")
                    if wanted(entry.name):
                        content = tar.extractfile(entry)
                        assert content is not None, "a regular file has content"
                        yield entry.name, content.read()
        except (tarfile.TarError, EOFError, OSError, ValueError) as error:
            raise ArchiveDamaged(
                "this is no export, or only a part of one", hint="see that all of it was copied"
            ) from error

    def _verified(self) -> dict[str, Any]:
        found: dict[str, Part] = {}
        contents: dict[str, Any] | None = None
        for name, data in self.each(lambda _: True):
            if name == CONTENTS:
                contents = _parsed(data)
                continue
            if name in found or contents is not None:
                raise ArchiveDamaged(f"{name} is in the export twice, or behind its end")
            found[name] = Part(hashlib.sha256(data).hexdigest(), len(data))
        if contents is None:
            raise ArchiveDamaged("the export ends before its table of contents", hint="copy it again")
        told = {name: Part(part["sha256"], part["bytes"]) for name, part in contents["parts"].items()}
        for name in sorted(told.keys() | found.keys()):
            if told.get(name) != found.get(name):
                raise ArchiveDamaged(f"{name} is not as it was written", hint="copy the export again")
        return contents


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        contents = json.loads(data)
        known = contents["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise ArchiveDamaged("the table of contents does not read") from error
    if known != FORMAT:
        raise ArchiveDamaged(
            f"the export has the format {str(known)[:40]!r}, this program reads {FORMAT}",
            hint="use the version of the program that wrote it, or a newer one",
        )
    return dict(contents)


def _unwritable(path: Path, error: OSError) -> SourceError:
    reason = error.strerror or str(error)
    return SourceError(
        f"{path} cannot be written: {reason}", hint="check the folder, its permissions and space"
    )

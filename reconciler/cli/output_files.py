"""Files that a command writes where somebody asked for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reconciler.errors import UsageError


def write_files(folder: Path, files: Mapping[str, str]) -> int:
    """Texts by file name, written into a folder that is made where it is missing; how many. Raises UsageError."""
    for name, text in files.items():
        write_text(folder / name, text)
    return len(files)


def write_text(file: Path, text: str) -> None:
    """Raises UsageError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error

"""Follows a document as a reader would: in a folder, with a shell, one block after the other.

`python -m tests.acceptance.document_walk FILE...` writes what is printed now into the blocks that differ.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.acceptance.readme_blocks import (
    Command,
    Edit,
    File,
    Step,
    Unclear,
    Walk,
    apply_edit,
    difference,
    same_form,
    walks,
)
from tests.acceptance.shell_session import Printed, ShellSession

ROOT = Path(__file__).parents[2]
PREPARED = ROOT / "tests/cases/documents"
"""Folders that a document names as its starting point."""

OWN_PIP = 'pip() { python -m pip "$@" --disable-pip-version-check --no-deps --target ~/installed; }\n'
"""What readers install goes nowhere else."""


@dataclass
class Astray(Exception):
    """The document says something else than what happened."""

    step: Step
    told: str
    printed: str = ""

    def __str__(self) -> str:
        return f"line {self.step.line}: {self.told}"


def follow(walk: Walk, place: Path, differs: Callable[[Astray], None] | None = None) -> None:
    """Takes all steps, in a folder made below `place`. Raises Astray; what only prints differently goes to
    `differs` if that is given."""
    folder, scratch = place / "here", place / "scratch"
    scratch.mkdir()
    prelude = Command(walk.line, prepare(walk.folder, folder))
    with ShellSession(folder, scratch, environment(place)) as shell:
        for step in [prelude, *walk.steps]:
            try:
                _take(step, folder, shell)
            except Astray as astray:
                if not (differs and astray.printed):
                    raise
                differs(astray)


def _take(step: Step, folder: Path, shell: ShellSession) -> None:
    match step:
        case File(path=path, text=text):
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        case Edit(path=path):
            apply_edit(step, folder / path)
        case Unclear(why=why):
            raise Astray(step, why)
        case Command():
            _compare(step, shell.run(step.script))


def _compare(step: Command, done: Printed) -> None:
    if done.code != step.exits or "Traceback" in done.text:
        raise Astray(step, f"exits with {done.code}\n{step.script}\n{done.text}")
    if step.prints is not None and not same_form(step.prints, done.text):
        raise Astray(
            step, f"prints something else\n{step.script}\n{difference(step.prints, done.text)}", done.text
        )


def prepare(name: str, folder: Path) -> str:
    """Makes the folder; the script that has to run in it before the walk."""
    match name:
        case "empty":
            folder.mkdir()
        case "clone":
            subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        case "examples" | "applied":
            shutil.copytree(ROOT / "agents.d", folder / "agents.d")
        case _:
            shutil.copytree(PREPARED / name, folder)
            script = (folder / "prepare.sh").read_text()
            (folder / "prepare.sh").unlink()
            return OWN_PIP + script
    return OWN_PIP + ("reconcile --apply --yes" if name == "applied" else "")


def environment(home: Path) -> dict[str, str]:
    """Of a reader who is alone: no settings, and no Ollama."""
    return {
        "HOME": str(home),
        "USER": "you",
        "RECONCILER_ACTOR": "you",
        "RECONCILER_OLLAMA_URL": f"http://127.0.0.1:{unused_port()}",
        "PYTHONPATH": str(home / "installed"),
    }


def unused_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def rewrite(document: Path) -> None:
    """Puts what is printed now where the document says otherwise, whole; blocks with `...` are for a person."""

    def replace(astray: Astray) -> None:
        step = astray.step
        if isinstance(step, Command) and step.prints is not None and "..." not in step.prints.splitlines():
            text = document.read_text()
            for old, new in (
                (f"```text\n{step.prints}```", f"```text\n{astray.printed}```"),
                (f"$ {step.script}\n{step.prints}", f"$ {step.script}\n{astray.printed}"),
            ):
                text = text.replace(old, new, 1)
            document.write_text(text)
        else:
            print(f"{document}: {astray}")

    for walk in walks(document.read_text()):
        with TemporaryDirectory() as place:
            follow(walk, Path(place), replace)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        rewrite(Path(name))

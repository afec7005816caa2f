"""Follows a document as a reader would: in a folder, with a shell, one block after the other.

`python -m tests.acceptance.document_walk FILE...` writes what is printed now into the blocks that differ.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
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

DOCUMENTED = {
    "postgres": "postgresql://reconciler@db.example.com/agents",
    "redis": "redis://redis.example.com/0",
    "port": "8080",
}
"""How documents call what they need."""


class Missing(Exception):
    """A server that the document needs is not there."""


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
    with servers(walk.needs) as found, ShellSession(folder, scratch, environment(place)) as shell:
        for step in [prelude, *walk.steps]:
            try:
                _take(step, folder, _Translated(shell, found))
            except Astray as astray:
                if not (differs and astray.printed):
                    raise
                differs(astray)


@dataclass(frozen=True)
class _Translated:
    """A shell to which servers are where they are, and to its reader where the document says."""

    shell: ShellSession
    servers: Mapping[str, str]

    def run(self, script: str) -> Printed:
        for documented, real in self.servers.items():
            script = script.replace(documented, real)
        done = self.shell.run(script)
        text = done.text
        for documented, real in self.servers.items():
            text = text.replace(real, documented)
        return Printed(text, done.code)


def _take(step: Step, folder: Path, shell: _Translated) -> None:
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


@contextmanager
def servers(needs: Collection[str]) -> Iterator[Mapping[str, str]]:
    """Where what is needed really is, by how documents call it. Raises Missing."""
    with ExitStack() as stack:
        found = {}
        for need in needs:
            match need:
                case "postgres":
                    real = stack.enter_context(_database())
                case "redis":
                    real = _redis()
                case "port":
                    real = str(unused_port())
                case _:
                    raise AssertionError(f"no document can need {need}")
            found[DOCUMENTED[need]] = real
        yield found


@contextmanager
def _database() -> Iterator[str]:
    from tests.postgres_server import Databases, NoServerError, running

    if shutil.which("psql") is None:
        raise Missing("no psql, which documents use")
    with ExitStack() as stack:
        try:
            server = stack.enter_context(running())
        except NoServerError as error:
            raise Missing(str(error)) from error
        databases = Databases(server)
        stack.callback(databases.drop)
        yield databases.take()


def _redis() -> str:
    """An empty one."""
    from redis import Redis, RedisError

    url = os.environ.get("RECONCILER_TEST_REDIS_URL", "redis://127.0.0.1:6379/12")
    try:
        Redis.from_url(url).flushdb()
    except RedisError as error:
        raise Missing(f"no Redis at {url}: {error}") from error
    return url


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

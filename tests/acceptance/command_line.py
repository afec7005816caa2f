"""`reconcile` as a process of its own, in a folder of its own, and what it must never do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).with_name("reconcile")


@dataclass(frozen=True)
class Run:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Standard output as one JSON document."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def last(self) -> str:
        """The last line of standard output."""
        return self.out.splitlines()[-1]


class CommandLine:
    """Runs in `folder`, with nothing of the caller's environment that could speak to it."""

    def __init__(self, folder: Path, program: Path = PROGRAM, **environment: str) -> None:
        self.folder = folder
        self.program = program
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "RECONCILER_CACHE_DIR": str(folder / ".cache"),
            "RECONCILER_ACTOR": "tester",
            **environment,
        }

    def __call__(self, *arguments: str, **popen: Any) -> Run:
        done = subprocess.run(
            [self.program, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            **popen,
        )
        run = Run(done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in run.err + run.out, run.err
        assert "Error:" not in run.err, run.err
        return run

    def write(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

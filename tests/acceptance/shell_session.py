"""A shell in which a reader follows a document: variables, folder and background jobs stay from block to block."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

# The last failure of a block counts, not only its last command's: a reader would stop there.
_PRELUDE = "set -E -o pipefail\n"
_BLOCK = """\
failed=0; trap 'failed=$?' ERR
source {script} > {printed} 2>&1 < /dev/null
trap - ERR; echo "$failed" >&3
"""

PATIENCE = 120
"""Seconds that one block may take."""


@dataclass(frozen=True)
class Printed:
    text: str
    code: int


class ShellSession:
    """bash in `folder`, with `environment` and the programs of this Python's environment first on the path."""

    def __init__(self, folder: Path, scratch: Path, environment: Mapping[str, str]) -> None:
        self._scratch = scratch
        self._blocks = 0
        answers, told = os.pipe()
        self._answers = os.fdopen(answers)
        programs = Path(sys.executable).parent
        self._bash = subprocess.Popen(
            [
                "bash",
                "--norc",
                "-c",
                f"exec 3>&{told}; {_PRELUDE}while read -r block; do source $block; done",
            ],
            cwd=folder,
            env={"PATH": f"{programs}:{os.environ['PATH']}", "LANG": "C.UTF-8", **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            pass_fds=(told,),
            start_new_session=True,
        )
        os.close(told)

    def __enter__(self) -> ShellSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Whatever was left running in the background ends too."""
        os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.wait()
        assert self._bash.stdin is not None
        self._bash.stdin.close()
        self._answers.close()

    def run(self, script: str) -> Printed:
        self._blocks += 1
        block = self._scratch / f"block{self._blocks}"
        text, frame, printed = (block.with_suffix(f".{name}") for name in ("text", "sh", "out"))
        text.write_text(script)
        frame.write_text(_BLOCK.format(script=text, printed=printed))
        assert self._bash.stdin is not None
        self._bash.stdin.write(f"{frame}\n")
        self._bash.stdin.flush()
        answered, _, _ = select.select([self._answers], [], [], PATIENCE)
        code = self._answers.readline() if answered else ""
        assert answered, f"after {PATIENCE} seconds still running:\n{script}\n{printed.read_text()}"
        assert code, f"the shell went away: {printed.read_text()}"
        return Printed(printed.read_text(), int(code))

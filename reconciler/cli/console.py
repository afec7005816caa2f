"""The terminal: results go to stdout, what is said about them to stderr, questions to who sits there."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from reconciler.errors import ManifestsInvalid, ReconcilerError, Refused, UsageError
from reconciler.plans.render.ink import Tone, paint, printable

WIDTH_WITHOUT_TERMINAL = 100
WIDEST = 140


@dataclass(frozen=True, slots=True)
class Console:
    """`out` and `err` are the streams, `colour_*` whether each takes colour, `width` is in columns."""

    out: TextIO
    err: TextIO
    json: bool = False
    colour_out: bool = False
    colour_err: bool = False
    width: int = WIDTH_WITHOUT_TERMINAL

    @classmethod
    def of_process(cls, *, json: bool = False) -> Console:
        return cls(
            sys.stdout,
            sys.stderr,
            json,
            takes_colour(sys.stdout, os.environ),
            takes_colour(sys.stderr, os.environ),
            _width(sys.stdout, os.environ),
        )

    def lines(self, lines: Iterable[str]) -> None:
        """Text of the result, on stdout."""
        self.out.writelines(f"{line}\n" for line in lines)

    def document(self, document: Mapping[str, Any]) -> None:
        """The one JSON document of the result, on stdout."""
        self.out.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")

    def tell(self, text: str) -> None:
        """A remark about the result, on stderr."""
        self.err.write(f"{text}\n")

    def strong(self, text: str) -> str:
        return paint(text, Tone.STRONG, self.colour_out)

    def faint(self, text: str) -> str:
        return paint(text, Tone.FAINT, self.colour_out)

    def error(self, error: ReconcilerError) -> None:
        """The error with its place and hint: on stderr, or with `json` as the one document on stdout."""
        if self.json:
            self.document({"error": error_document(error)})
            return
        if isinstance(error, ManifestsInvalid):
            from reconciler.plans.render.text import render_problems

            colour, width = self.colour_err, self.width
            for line in render_problems(error.problems, colour=colour, width=width, root=error.root):
                self.tell(line)
        title = paint(f"error[{error.code}]:", Tone.STOP, self.colour_err)
        self.tell(f"{title} {_on_lines(error.message)}")
        for label, text in (("at", error.where), ("hint", error.hint)):
            if text:
                self.tell(f"  {paint(f'{label}:', Tone.FAINT, self.colour_err)} {_on_lines(text)}")

    def confirm(self, question: str, *, yes: bool) -> None:
        """Returns if `yes` was given or the person there says so.

        Raises Refused if they say anything else, UsageError if standard input is no terminal.
        """
        if yes:
            return
        if not sys.stdin.isatty():
            raise UsageError(
                f"{question} Nobody is there to answer", hint="pass --yes to go ahead without being asked"
            )
        self.err.write(f"{question} Type yes to go ahead: ")
        self.err.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise Refused("not confirmed; nothing was changed")

    def progress(self) -> Progress:
        return Progress(self.err, terminal=self.err.isatty() and not self.json)


class Progress:
    """Tells how far a long work has come. Never fails: work must not stop because nobody listens any more."""

    def __init__(self, stream: TextIO, *, terminal: bool) -> None:
        self._stream, self._terminal = stream, terminal
        self._interval = 0.1 if terminal else 10.0
        self._last = time.monotonic()
        self._drawn = False

    def __call__(self, name: str, done: int, total: int) -> None:
        """`done` of `total` are finished, `name` is what is worked on now."""
        now = time.monotonic()
        if now - self._last < self._interval:
            return
        self._last = now
        text = f"[{done}/{total}] {printable(name)}"
        self._write(f"\r\x1b[2K{text[: WIDTH_WITHOUT_TERMINAL - 1]}" if self._terminal else f"{text}\n")
        self._drawn = self._terminal

    def close(self) -> None:
        """Leaves the line clean for what comes next."""
        if self._drawn:
            self._write("\r\x1b[2K")
            self._drawn = False

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._interval = float("inf")


def error_document(error: ReconcilerError) -> dict[str, Any]:
    """`code, message, where, hint, exit_status`, and `problems` where manifests are wrong."""
    document: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "where": error.where,
        "hint": error.hint,
        "exit_status": error.exit_status,
    }
    if isinstance(error, ManifestsInvalid):
        from reconciler.plans.render.json_document import problem_document

        document["problems"] = [problem_document(problem) for problem in error.problems]
    return document


def takes_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """NO_COLOR wins over FORCE_COLOR (each set and not empty), both over whether the stream is a terminal."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


def _width(stream: TextIO, environ: Mapping[str, str]) -> int:
    told = environ.get("COLUMNS", "")
    if told.isdigit() and int(told) > 0:
        return min(int(told), WIDEST)
    try:
        return min(os.get_terminal_size(stream.fileno()).columns or WIDTH_WITHOUT_TERMINAL, WIDEST)
    except (OSError, ValueError):
        return WIDTH_WITHOUT_TERMINAL


def _on_lines(text: str) -> str:
    return "\n    ".join(printable(line) for line in text.splitlines())

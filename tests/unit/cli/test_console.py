"""Colour, questions and progress."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from reconciler.cli.columns import aligned, moment
from reconciler.cli.console import Console, Progress, takes_colour
from reconciler.errors import Refused, UsageError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "coloured"),
    [
        (Terminal(), {}, True),
        (io.StringIO(), {}, False),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (io.StringIO(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_follows_terminal_and_environment(
    stream: io.StringIO, environ: dict[str, str], coloured: bool
) -> None:
    assert takes_colour(stream, environ) is coloured


def _console() -> Console:
    return Console(io.StringIO(), io.StringIO())


@pytest.mark.parametrize("answer", ["yes\n", "y\n", "YES\n", " yes \n"])
def test_a_yes_goes_ahead(someone_types: Callable[[str], None], answer: str) -> None:
    someone_types(answer)
    _console().confirm("Really?", yes=False)


@pytest.mark.parametrize("answer", ["no\n", "\n", "", "yess\n"])
def test_anything_else_changes_nothing(someone_types: Callable[[str], None], answer: str) -> None:
    someone_types(answer)
    with pytest.raises(Refused):
        _console().confirm("Really?", yes=False)


def test_yes_is_never_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    _console().confirm("Really?", yes=True)


def test_without_anybody_there_the_question_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    with pytest.raises(UsageError) as raised:
        _console().confirm("Really?", yes=False)
    assert "--yes" in raised.value.hint


def test_the_question_does_not_mix_with_the_result(someone_types: Callable[[str], None]) -> None:
    someone_types("yes\n")
    console = Console(io.StringIO(), io.StringIO())
    console.confirm("Really?", yes=False)
    assert console.out.getvalue() == ""  # type: ignore[attr-defined]


class Clock:
    """Time that passes only when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("time.monotonic", clock)
    return clock


def test_short_work_shows_no_progress(clock: Clock) -> None:
    stream = io.StringIO()
    progress = Progress(stream, terminal=False)
    progress("type/a", 0, 2)
    clock.now = 9
    progress("type/b", 1, 2)
    progress.close()
    assert stream.getvalue() == ""


def test_long_work_tells_lines_where_there_is_no_terminal(clock: Clock) -> None:
    stream = io.StringIO()
    progress = Progress(stream, terminal=False)
    clock.now = 11
    progress("type/b", 1, 2)
    assert stream.getvalue() == "[1/2] type/b\n"


def test_on_a_terminal_progress_redraws_one_line_and_leaves_it_clean(clock: Clock) -> None:
    stream = Terminal()
    progress = Progress(stream, terminal=True)
    clock.now = 1
    progress("type/\x1b[2Jb", 1, 2)
    progress.close()
    assert stream.getvalue() == "\r\x1b[2K[1/2] type/\\x1b[2Jb\r\x1b[2K"


def test_progress_goes_on_when_nobody_reads_any_more(clock: Clock) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    progress = Progress(Gone(), terminal=False)
    for clock.now in (11, 22, 33):
        progress("type/a", 1, 2)


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    rows = [("1", "applied", ""), ("200", "x", "a\nb")]
    assert list(aligned(("NO", "STATE", "WHY"), rows)) == [
        "NO   STATE    WHY",
        "1    applied",
        "200  x        a\\nb",
    ]


def test_a_moment_is_read_without_its_fraction() -> None:
    assert (moment("2026-11-20T10:00:00.123456Z"), moment(None)) == ("2026-11-20 10:00:00", "")

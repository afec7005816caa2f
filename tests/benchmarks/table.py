"""The table of what was measured, in Markdown: fit for a terminal and for the README."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence

from tests.benchmarks.contest import MEGABYTE, NotRun, Outcome, Sample

_HEAD = ("what", "ours", "beside it", "ratio", "goal", "verdict")


def markdown(found: Iterable[Outcome | NotRun], *, judged: bool = True) -> str:
    """One row per contest; times are medians with half the range of the middle half of the runs.

    Not `judged` where the sizes are not those that the goals are meant for."""
    rows = [_HEAD, *(_row(result, judged) for result in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join(_lines(rows, widths))


def _lines(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> Iterator[str]:
    for number, row in enumerate(rows):
        yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        if number == 0:
            yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"


def _row(found: Outcome | NotRun, judged: bool) -> tuple[str, ...]:
    if isinstance(found, NotRun):
        return found.title, "", "", "", "", f"{'FAILED' if found.failed else 'skipped'}: {found.reason}"
    contest = found.contest
    ours, goal = _seconds(found.ours), str(contest.goal)
    if contest.peak is not None:
        ours += f", {found.peak / MEGABYTE:.0f} MB"
        goal += f", < {contest.peak / MEGABYTE:.0f} MB"
    theirs = f"{_seconds(found.theirs)} {contest.theirs.name}"
    verdict = ("met" if found.met else "MISSED") if judged else "not judged"
    return contest.title, ours, theirs, f"{found.ratio:.2f}", goal, verdict


def _seconds(samples: Sequence[Sample]) -> str:
    times = [sample.seconds for sample in samples]
    median = statistics.median(times)
    spread = 0.0
    if len(times) > 2:
        low, _, high = statistics.quantiles(times, n=4, method="inclusive")
        spread = (high - low) / 2
    if median < 1:
        return f"{median * 1000:.0f} ±{spread * 1000:.0f} ms"
    return f"{median:.2f} ±{spread:.2f} s"

"""Shares reached and turns needed, as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from reconciler.llm.provider import LLMProvider
from tests.builder_cases.conversation import Case, Outcome, lead


def run(
    chosen: Sequence[Case], listener: Callable[[Case], LLMProvider] | None, *, model: str = ""
) -> list[Outcome]:
    outcomes = []
    for case in chosen:
        with TemporaryDirectory() as folder:
            outcomes.append(lead(case, Path(folder) / "stage", listener, model=model))
    return outcomes


def lines(title: str, outcomes: Sequence[Outcome]) -> Iterator[str]:
    reached = [outcome for outcome in outcomes if outcome.reached]
    finalized = [outcome for outcome in outcomes if outcome.state == "finalized"]
    valid = [outcome for outcome in outcomes if not outcome.invalid]
    turns = median(outcome.turns for outcome in finalized) if finalized else 0
    yield (
        f"{title:10} {len(reached)} of {len(outcomes)} as expected ({len(reached) / len(outcomes):.0%}), "
        f"{len(valid)} valid and within policy, {len(finalized)} finalized, {turns:g} turns (median), "
        f"{max((o.turns for o in finalized), default=0)} at most"
    )
    for outcome in outcomes:
        if not outcome.reached:
            told = "; ".join(
                [
                    *outcome.invalid,
                    *outcome.failures,
                    *([] if outcome.honest else ["no question, no manifest"]),
                ]
            )
            yield f"    {outcome.case.file}: {outcome.case.name}: {told}"

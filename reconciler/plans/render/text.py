"""A plan for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from reconciler.errors import Problem
from reconciler.plans.plan import Plan
from reconciler.plans.render import outline
from reconciler.plans.render.ink import TONE_OF_GLYPH, Tone, paint
from reconciler.plans.render.outline import Line, View

if TYPE_CHECKING:
    from reconciler.plans.render.masking import SettingsLookup

NARROWEST = 40


def render_text(
    plan: Plan,
    *,
    colour: bool,
    width: int,
    allow: Sequence[str] = (),
    root: str = "",
    sensitive_settings: SettingsLookup | None = None,
) -> Iterator[str]:
    """Lines without their ends; the last is always the summary, `Plan: 1 to add, 2 to change, 0 to destroy.`

    `width` is in columns. `allow` marks hazards as allowed, `root` is put before files of the source, and
    `sensitive_settings` tells of types the plan does not hold (see `outline.View`).
    """
    view = View(tuple(allow), root, sensitive_settings)
    for line in _lines(plan, view):
        yield from draw(line, colour=colour, width=width)


def render_problems(found: Sequence[Problem], *, colour: bool, width: int, root: str = "") -> Iterator[str]:
    """Problems alone, by file, line and column."""
    for line in outline.problem_lines(found, View(root=root)):
        yield from draw(line, colour=colour, width=width)


def draw(line: Line, *, colour: bool, width: int) -> Iterator[str]:
    """The line, wrapped where it is wider than `width`; what follows hangs below its title."""
    indent, plain = "  " * line.depth, line.plain
    if not colour and len(indent) + len(plain) <= width:
        yield indent + plain
        return
    hanging = indent + ("  " if line.glyph else "    ")
    parts = [indent + plain]
    if len(parts[0]) > width and plain.strip():
        parts = textwrap.wrap(
            plain,
            max(width, NARROWEST + len(hanging)),
            initial_indent=indent,
            subsequent_indent=hanging,
            break_long_words=False,
            break_on_hyphens=False,
        )
    start, end = len(indent), len(indent) + len(plain) - len(line.detail)
    tone = TONE_OF_GLYPH.get(line.glyph, line.tone) if line.tone is Tone.PLAIN else line.tone
    yield indent + paint(parts[0][start:end], tone, colour) + parts[0][end:]
    rest_tone = Tone.PLAIN if line.detail else tone
    yield from (hanging + paint(part[len(hanging) :], rest_tone, colour) for part in parts[1:])


def _lines(plan: Plan, view: View) -> Iterator[Line]:
    sections: tuple[Iterable[Line], ...] = (
        outline.header(plan),
        outline.drift(plan),
        _units(plan, view),
        chain.from_iterable(outline.hazard_lines(hazard, view, 0) for hazard in plan.plan_hazards),
        outline.problems(plan.problems, view),
        outline.held(plan),
        outline.suspended(plan),
        outline.verdict(plan, view),
        outline.summary(plan),
    )
    first = True
    for section in sections:
        for number, line in enumerate(section):
            if number == 0 and not first:
                yield Line()
            yield line
            first = False


def _units(plan: Plan, view: View) -> Iterator[Line]:
    """Units of several changes stand apart, so that what is applied together is seen together."""
    apart = False
    for number, (unit, lines) in enumerate(outline.units(plan, view)):
        several = len(unit.changes) > 1
        if number and (several or apart):
            yield Line()
        if several and len(plan.units) > 1:
            yield Line(f"Together: {len(unit.changes)} changes, applied as one", tone=Tone.FAINT)
        yield from lines
        apart = several

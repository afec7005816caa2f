"""A plan as the comment on a pull request: what is risky first, the rest folded, never too long to post."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.errors import Problem
from reconciler.plans.changes import Hazard, Severity, Unit
from reconciler.plans.plan import Plan
from reconciler.plans.render import outline
from reconciler.plans.render.ink import printable
from reconciler.plans.render.outline import Line, View, allowance

if TYPE_CHECKING:
    from reconciler.plans.render.masking import SettingsLookup

SIZE_LIMIT = 60_000
"""Characters of a comment; GitHub refuses one of more than 65,536."""

UNIT_LIMIT = 12_000
"""Characters of one unit, so that a single huge one does not hide the others."""

MARKER = "<!-- reconciler plan -->"
"""First line of every comment: whoever posts the next one finds the former by it and replaces it."""

_NOTE_ROOM = 300
_SEVERITIES = {Severity.BLOCK: "🛑 block", Severity.CONFIRM: "⚠️ confirm", Severity.NOTICE: "ℹ️ notice"}


@dataclass(frozen=True, slots=True)
class _Block:
    """Text that is shown as a whole or not at all; `counts_as` names what is missing where it is not."""

    text: str
    counts_as: str = ""


def render_markdown(
    plan: Plan,
    *,
    allow: Sequence[str] = (),
    root: str = "",
    sensitive_settings: SettingsLookup | None = None,
    limit: int = SIZE_LIMIT,
) -> str:
    """The comment's text, of at most `limit` characters; where it was cut, a note says what is missing."""
    view = View(tuple(allow), root, sensitive_settings)
    return _fitted(list(_blocks(plan, view)), limit)


def _blocks(plan: Plan, view: View) -> Iterator[_Block]:
    yield _Block(f"{MARKER}\n## {plan.summary.text}\n\n{_origin(plan)}\n")
    yield from _hazards(plan, view)
    yield from _problems(plan.problems, view)
    if plan.held:
        held = ", ".join(_code(address) for address in sorted(plan.held))
        yield _Block(f"\nLeft as they are while their manifests are broken: {held}\n", "list of held object")
    if plan.suspended:
        told = ", ".join(_code(address) for address in plan.suspended)
        yield _Block(f"\nSuspended, left as they are: {told}\n", "list of suspended object")
    for number, (unit, lines) in enumerate(outline.units(plan, view)):
        heading = "\n### Changes\n" if number == 0 else ""
        yield _Block(f"{heading}\n{_unit(unit, lines)}", "unit")
    yield from _drift(plan)
    if not plan.pending and not plan.problems:
        yield _Block("\nNothing to do: the database is as the manifests say.\n")


def _origin(plan: Plan) -> str:
    commit = f" at {_code(plan.commit[:12])}" if plan.commit else ""
    return f"{_code(plan.source)}{commit} → {_code(plan.database)}, plan {_code(plan.id)}"


def _hazards(plan: Plan, view: View) -> Iterator[_Block]:
    # Most severe first; sorted() keeps the plan's order among equals.
    ranks = list(_SEVERITIES)
    for number, hazard in enumerate(sorted(plan.hazards, key=lambda hazard: ranks.index(hazard.severity))):
        head = (
            "\n### Hazards\n\n| | Hazard | Rows | What happens | What to do |\n|---|---|--:|---|---|\n"
            if number == 0
            else ""
        )
        yield _Block(head + _hazard(hazard, view), "hazard")


def _hazard(hazard: Hazard, view: View) -> str:
    allowed = hazard.severity is Severity.CONFIRM and not view.stops(hazard)
    advice = _escaped(hazard.suggestion)
    if hazard.severity is Severity.CONFIRM:
        advice += f"<br>{'allowed by' if allowed else 'or'} {_code(f'--allow {allowance(hazard)}')}"
    subject = "<br>".join(_code(name) for name in (hazard.code, hazard.object or hazard.address) if name)
    if hazard.location:
        place = view.place(hazard.location.file, hazard.location.line, hazard.location.column)
        subject += f"<br>{_escaped(place)}"
    rows = "" if hazard.rows is None else f"{hazard.rows:,}"
    mark = "✅ allowed" if allowed else _SEVERITIES[hazard.severity]
    return f"| {mark} | {subject} | {rows} | {_escaped(hazard.message)} | {advice} |\n"


def _problems(problems: Sequence[Problem], view: View) -> Iterator[_Block]:
    for number, problem in enumerate(sorted(problems, key=outline.by_place)):
        head = "\n### Problems\n\n| | Where | What | Hint |\n|---|---|---|---|\n" if number == 0 else ""
        mark = "🛑 error" if problem.severity == "error" else "⚠️ warning"
        place = view.place(problem.file, problem.line, problem.column)
        message = f"{_code(problem.code)} {_escaped(problem.message)}"
        yield _Block(
            f"{head}| {mark} | {_escaped(place)} | {message} | {_escaped(problem.hint)} |\n", "problem"
        )


def _unit(unit: Unit, lines: Sequence[Line]) -> str:
    counts = Counter(change.action.glyph for change in unit.changes)
    told = " ".join(f"{glyph}{counts[glyph]}" for glyph in "+~-" if counts[glyph])
    shown, size = [], 0
    for line in lines:
        shown.append(_in_diff(line))
        size += len(shown[-1]) + 1
        if size > UNIT_LIMIT:
            shown = [*shown[:-1], f"… {len(lines) - len(shown) + 1:,} more lines"]
            break
    return (
        f"<details><summary><code>{html.escape(printable(unit.name))}</code> {told}</summary>\n\n"
        f"{_fenced(shown)}\n\n</details>\n"
    )


def _in_diff(line: Line) -> str:
    """The line with its glyph in the first column, where a `diff` block gives it a colour."""
    words = line.plain[2:] if line.glyph else line.plain
    return f"{line.glyph or ' '} {'  ' * line.depth}{words}"


def _fenced(lines: Sequence[str]) -> str:
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join((f"{fence}diff", *lines, fence))


def _drift(plan: Plan) -> Iterator[_Block]:
    for number, drift in enumerate(plan.drift):
        head = "\n### Drift\n\nThe database is no longer as it was last applied.\n\n" if number == 0 else ""
        yield _Block(f"{head}- {_escaped(drift.message)}\n", "drifted object")


def _fitted(blocks: Sequence[_Block], limit: int) -> str:
    shown: list[str] = []
    size = 0
    for number, block in enumerate(blocks):
        last = number == len(blocks) - 1
        if size + len(block.text) + (0 if last else _NOTE_ROOM) > limit:
            return "".join((*shown, _missing(blocks[number:], limit)))
        shown.append(block.text)
        size += len(block.text)
    return "".join(shown)


def _missing(blocks: Sequence[_Block], limit: int) -> str:
    counts = Counter(block.counts_as for block in blocks if block.counts_as)
    told = ", ".join(f"{count:,} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items())
    return (
        f"\n_Cut at {limit:,} characters; not shown: {told or 'the rest'}. `reconcile --plan` shows all._\n"
    )


def _escaped(text: str) -> str:
    """Foreign text that can be no markup, mention nobody, and stays in its table cell."""
    safe = re.sub(r"([\\`*_\[\]|~#@])", r"\\\1", html.escape(printable(text), quote=False))
    # A backslash does not stop a mention or an issue's number from becoming a link; an empty comment does.
    return safe.replace("\\@", "@<!-- -->").replace("\\#", "#<!-- -->")


def _code(text: str) -> str:
    """The text as a code span; one that would end the span or its table cell is escaped in a tag instead."""
    plain = printable(text)
    return f"<code>{_escaped(plain)}</code>" if not plain or "`" in plain or "|" in plain else f"`{plain}`"

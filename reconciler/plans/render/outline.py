"""A plan as lines that know their depth, glyph and meaning: what text and markdown are both drawn from.

An empty plan is outlined without loading what specs are made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.errors import Problem
from reconciler.plans.plan import Plan, stopping
from reconciler.plans.render.ink import TONE_OF_GLYPH, Tone, printable

if TYPE_CHECKING:
    from reconciler.plans.changes import Hazard, Unit
    from reconciler.plans.render.masking import SettingsLookup


@dataclass(frozen=True, slots=True)
class Line:
    """One line before it is drawn. `title` carries the tone, `detail` follows it plainly.

    `glyph` is one of `+ ~ - ! i`, or empty; `depth` counts steps of two columns. Long lines may be wrapped.
    """

    title: str = ""
    detail: str = ""
    glyph: str = ""
    depth: int = 0
    tone: Tone = Tone.PLAIN

    @property
    def plain(self) -> str:
        title, detail = self.title, self.detail
        mark = f"{self.glyph} " if self.glyph else ""
        between = "" if not title or not detail else " " if title.endswith(":") else "  "
        return f"{mark}{title}{between}{detail}"


@dataclass(frozen=True, slots=True)
class View:
    """How a plan is looked at: `allow` as given on the command line, `root` put before files of the source.

    `sensitive_settings` knows the types the plan itself does not hold; without it, settings of their agents
    are masked.
    """

    allow: tuple[str, ...] = ()
    root: str = ""
    sensitive_settings: SettingsLookup | None = None

    def stops(self, hazard: Hazard) -> bool:
        return bool(stopping((hazard,), self.allow))

    def place(self, file: str, line: int, column: int) -> str:
        """`agents.d/mail.yaml:12:7`, without the numbers where the whole file is meant."""
        path = f"{self.root.rstrip('/')}/{file}" if self.root and file else file
        return f"{path}:{line}:{column}" if path and line else path


def header(plan: Plan) -> Iterator[Line]:
    source = f"{plan.source} at {plan.commit[:12]}" if plan.commit else plan.source
    for label, value in (("Source", source), ("Database", plan.database), ("Plan", plan.id)):
        yield Line(f"{label:<9}", printable(value), tone=Tone.FAINT)


def units(plan: Plan, view: View) -> Iterator[tuple[Unit, list[Line]]]:
    """Each unit with its lines, in the order of the plan."""
    if plan.units:
        from reconciler.plans.render.masking import settings_lookup
        from reconciler.plans.render.units import unit_lines

        lookup = settings_lookup(plan.changes, view.sensitive_settings)
        for unit in plan.units:
            yield unit, list(unit_lines(unit, view, lookup))


def drift(plan: Plan) -> Iterator[Line]:
    if plan.drift:
        yield Line("Drift", "the database is no longer as it was last applied", tone=Tone.STRONG)
        for found in plan.drift:
            glyph = "+" if found.recorded is None else "-" if found.live is None else "~"
            yield Line(printable(found.message), glyph=glyph, depth=1, tone=TONE_OF_GLYPH[glyph])


def problems(found: Sequence[Problem], view: View) -> Iterator[Line]:
    """A heading and the problems, by place; nothing where there are none."""
    if found:
        errors = sum(problem.severity == "error" for problem in found)
        counts = ((errors, "error"), (len(found) - errors, "warning"))
        told = " and ".join(f"{n} {noun}{'' if n == 1 else 's'}" for n, noun in counts if n)
        yield Line("Problems", f"{told} in the manifests", tone=Tone.STRONG)
        yield from problem_lines(found, view, depth=1)


def problem_lines(found: Iterable[Problem], view: View, *, depth: int = 0) -> Iterator[Line]:
    for problem in sorted(found, key=by_place):
        tone = Tone.STOP if problem.severity == "error" else Tone.WARN
        place = view.place(problem.file, problem.line, problem.column)
        kind = f"{problem.severity}[{problem.code}]:"
        title = f"{printable(place)}: {kind}" if place else kind
        yield Line(title, printable(problem.message), depth=depth, tone=tone)
        if problem.hint:
            yield Line("hint:", printable(problem.hint), depth=depth + 2, tone=Tone.FAINT)


def by_place(problem: Problem) -> tuple[str, int, int, str]:
    return problem.file, problem.line, problem.column, problem.code


def held(plan: Plan) -> Iterator[Line]:
    if plan.held:
        yield Line("Held", "left as they are while their manifests are broken", tone=Tone.STRONG)
        for address in sorted(plan.held):
            yield Line(address, depth=1)


def suspended(plan: Plan) -> Iterator[Line]:
    if plan.suspended:
        yield Line("Suspended", "left as they are until they are resumed", tone=Tone.STRONG)
        for address in plan.suspended:
            yield Line(address, depth=1)


def hazard_lines(hazard: Hazard, view: View, depth: int) -> Iterator[Line]:
    from reconciler.plans.changes import Severity

    stops = view.stops(hazard)
    blocks = hazard.severity is Severity.BLOCK
    tone = (Tone.STOP if blocks else Tone.WARN) if stops else Tone.FAINT
    yield Line(
        f"{hazard.code}{_rows(hazard)}:", printable(hazard.message), "!" if stops else "i", depth, tone
    )
    if hazard.location:
        place = view.place(hazard.location.file, hazard.location.line, hazard.location.column)
        yield Line("at:", printable(place), depth=depth + 1, tone=Tone.FAINT)
    if hazard.suggestion:
        yield Line("suggestion:", printable(hazard.suggestion), depth=depth + 1, tone=Tone.FAINT)
    if hazard.severity is Severity.CONFIRM:
        words = "to go ahead:" if stops else "allowed by:"
        yield Line(words, f"--allow {printable(allowance(hazard))}", depth=depth + 1, tone=Tone.FAINT)
    elif blocks:
        yield Line("cannot be allowed: rows, manifest or policy must change first", depth=depth + 1)


def allowance(hazard: Hazard) -> str:
    """What `--allow` must be given to let exactly this hazard pass."""
    name = hazard.object or hazard.address
    return f"{hazard.code}:{name}" if name else hazard.code


def verdict(plan: Plan, view: View) -> Iterator[Line]:
    """What stops an apply, once more and in one place; nothing where nothing does."""
    stops = stopping(plan.hazards, view.allow)
    if stops:
        from reconciler.plans.changes import Severity

        stop = "hazard stops" if len(stops) == 1 else "hazards stop"
        yield Line(f"{len(stops)} {stop} an apply of this plan", tone=Tone.STRONG)
        for hazard in stops:
            needs = (
                f"--allow {allowance(hazard)}" if hazard.severity is Severity.CONFIRM else "cannot be allowed"
            )
            tone = Tone.STOP if hazard.severity is Severity.BLOCK else Tone.WARN
            name = hazard.object or hazard.address
            yield Line(printable(f"{hazard.code} {name}".rstrip()), printable(needs), "!", 1, tone)


def summary(plan: Plan) -> Iterator[Line]:
    if plan.empty and plan.pending:
        yield Line("No changes, but an apply is needed to finish an earlier one.")
    elif plan.empty and not plan.problems:
        yield Line("Nothing to do: the database is as the manifests say.")
    elif plan.empty:
        yield Line("Nothing to do for the manifests that can be read.")
    yield Line(plan.summary.text, tone=Tone.STRONG)


def _rows(hazard: Hazard) -> str:
    if hazard.rows is None:
        return ""
    return f", {hazard.rows:,} row{'' if hazard.rows == 1 else 's'}"

"""The plan as a terminal shows it, against texts a person has read: tests/cases/render/."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.plans.changes import Action, Change, Kind, Severity, Unit
from reconciler.plans.plan import Plan
from reconciler.plans.render.attributes import notation
from reconciler.plans.render.ink import printable
from reconciler.plans.render.text import render_problems, render_text
from reconciler.spec.state import Drift
from tests.unit.plans import samples

CASES = Path(__file__).parents[2] / "cases" / "render"
ANSI = re.compile(r"\x1b\[[\d;]*m")


def text(plan: Plan, **options: object) -> str:
    return "\n".join(render_text(plan, **{"colour": False, "width": 100, **options})) + "\n"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("case", "plan"),
    [
        ("first_apply", samples.first_apply()),
        ("everything", samples.everything()),
        ("nothing_to_do", samples.plan()),
    ],
)
def test_a_plan_reads_as_its_case_file_says(case: str, plan: Plan) -> None:
    assert text(plan, root="agents.d") == (CASES / f"{case}.txt").read_text()


@pytest.mark.parametrize("plan", [samples.first_apply(), samples.everything(), samples.plan()])
def test_the_last_line_is_the_summary(plan: Plan) -> None:
    assert text(plan).splitlines()[-1] == plan.summary.text


def test_colour_adds_escapes_and_changes_nothing_else() -> None:
    coloured = text(samples.everything(), colour=True)
    assert "\x1b[32m" in coloured
    assert ANSI.sub("", coloured) == text(samples.everything())


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_with_words_to_break_at_is_wider_than_asked(width: int) -> None:
    too_wide = [line for line in text(samples.everything(), width=width).splitlines() if len(line) > width]
    assert [line for line in too_wide if len(line.split()) > 2] == []


def test_an_allowed_hazard_no_longer_counts_among_those_that_stop() -> None:
    shown = text(samples.everything(), allow=["destructive:mail.analysis", "mass-removal"])
    assert "1 hazard stops an apply of this plan\n  ! narrowing mail.analysis.note" in shown
    assert "allowed by: --allow destructive:mail.analysis.body" in shown


def test_foreign_text_cannot_speak_to_the_terminal() -> None:
    hostile = "x\x1b[2J\u202eevil\nPlan: 0 to add"
    plan = samples.plan(
        drift=(Drift("table/t/column/c", None, hostile),),
        plan_hazards=(samples.hazard(message=hostile, suggestion=hostile, object=hostile),),
    )
    shown = text(plan)
    assert shown.isprintable() or all(line.isprintable() for line in shown.splitlines())
    assert "x\\x1b[2J\\u202eevil\\nPlan: 0 to add" in shown


def test_problems_alone_are_sorted_by_place_and_carry_their_hints() -> None:
    lines = list(render_problems(samples.everything().problems, colour=False, width=100))
    assert lines == [
        "mail.yaml:3:1: warning[unused-grant]: grant is not used",
        "web.yaml:9:7: error[unknown-key]: unknown key `requird`",
        "    hint: did you mean `required`?",
    ]


def test_what_the_tables_tell_is_not_told_again_by_the_type() -> None:
    narrow = {"analysis": {"fields": {"note": {"type": "string", "max_length": 10, "pattern": "^a"}}}}
    wide = {"analysis": {"fields": {"note": {"type": "string", "max_length": 20, "pattern": "^b"}}}}
    before, after = samples.agent_type(models=narrow), samples.agent_type(models=wide, version="1.1.0")
    changes = (
        Change(Action.CHANGE, Kind.TYPE, "type/mail", before, after),
        Change(
            Action.CHANGE,
            Kind.COLUMN,
            "table/mail__analysis/column/note",
            samples.column(before, "note"),
            samples.column(after, "note"),
        ),
    )
    shown = text(samples.plan(Unit("type/mail", changes)))
    assert shown.count("max_length") == 1
    assert "models.analysis.fields.note.pattern" in shown


def test_many_single_changes_stand_close_and_need_no_heading() -> None:
    units = [
        Unit(f"agent/a{n}", (Change(Action.ADD, Kind.AGENT, f"agent/a{n}", None, samples.agent(f"a{n}")),))
        for n in range(3)
    ]
    assert "+ agent/a0  of type mail\n+ agent/a1  of type mail\n+ agent/a2" in text(samples.plan(*units))


def test_a_block_hazard_never_offers_an_allowance() -> None:
    shown = text(samples.plan(plan_hazards=(samples.hazard(Severity.BLOCK),)))
    assert "--allow" not in shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("save", "save"),
        ("1.2.0", "1.2.0"),
        ("5", '"5"'),
        ("true", '"true"'),
        ("", '""'),
        ("a, b", '"a, b"'),
        ("ends ", '"ends "'),
        (5, "5"),
        (True, "true"),
        (None, "none"),
        (["a", 1], "[a, 1]"),
        ({"mode": "upsert", "key": ["id"]}, "{mode: upsert, key: [id]}"),
    ],
)
def test_values_are_written_so_that_text_and_number_differ(value: object, shown: str) -> None:
    assert notation(value) == shown


@pytest.mark.parametrize("text", ["plain", "umlaut ä and 漢字", "emoji 🙂"])
def test_ordinary_text_is_shown_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_an_empty_plan_is_shown_without_loading_what_specs_are_made_of() -> None:
    program = (
        "import sys\n"
        "from reconciler.plans.plan import Plan\n"
        "from reconciler.plans.render.text import render_text\n"
        "from reconciler.plans.render.json_document import plan_document\n"
        "plan = Plan('i', 's', 'd', 'x', 'y')\n"
        "list(render_text(plan, colour=True, width=80)), plan_document(plan)\n"
        "sys.exit('pydantic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

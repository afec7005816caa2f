"""The plan as a comment on a pull request."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.errors import Problem
from reconciler.plans.changes import Action, Change, Kind, Unit
from reconciler.plans.plan import Plan
from reconciler.plans.render.markdown import MARKER, SIZE_LIMIT, render_markdown
from reconciler.spec.state import Drift
from tests.unit.plans import samples

CASES = Path(__file__).parents[2] / "cases" / "render"


def _many_agents(count: int) -> Plan:
    return samples.plan(
        *(
            Unit(
                f"agent/a{n}", (Change(Action.ADD, Kind.AGENT, f"agent/a{n}", None, samples.agent(f"a{n}")),)
            )
            for n in range(count)
        )
    )


def test_a_plan_reads_as_its_case_file_says() -> None:
    assert render_markdown(samples.everything(), root="agents.d") == (CASES / "everything.md").read_text()


def test_the_summary_comes_first_and_hazards_before_the_changes() -> None:
    comment = render_markdown(samples.everything())
    assert comment.startswith(f"{MARKER}\n## Plan: 1 to add, 3 to change, 3 to destroy.\n")
    assert comment.index("### Hazards") < comment.index("### Problems") < comment.index("<details>")
    assert comment.index("🛑 block") < comment.index("⚠️ confirm") < comment.index("ℹ️ notice")


def test_an_allowed_hazard_is_marked_so() -> None:
    comment = render_markdown(samples.everything(), allow=["destructive"])
    assert "| ✅ allowed | `destructive`<br>" in comment


@pytest.mark.parametrize(
    "plan",
    [
        _many_agents(2_000),
        samples.plan(plan_hazards=tuple(samples.hazard(object=f"o{n}") for n in range(2_000))),
        samples.plan(problems=tuple(Problem("c", "m" * 100, "f.yaml", n, 1) for n in range(2_000))),
        samples.plan(drift=tuple(Drift(f"table/t{n}", "a", None) for n in range(2_000))),
    ],
    ids=["units", "hazards", "problems", "drift"],
)
def test_a_long_comment_is_cut_with_a_count_of_what_is_missing(plan: Plan) -> None:
    comment = render_markdown(plan)
    assert SIZE_LIMIT * 0.9 < len(comment) <= SIZE_LIMIT
    note = comment.splitlines()[-1]
    missing = int(re.search(r"not shown: ([\d,]+) ", note)[1].replace(",", ""))  # type: ignore[index]
    shown = (
        comment.count("<details>")
        + comment.count("⚠️ confirm")
        + comment.count("🛑 error")
        + comment.count("\n- ")
    )
    assert shown + missing == 2_000


def test_a_comment_that_fits_carries_no_note() -> None:
    assert "not shown" not in render_markdown(_many_agents(3))


def test_a_huge_unit_is_cut_and_leaves_room_for_the_next() -> None:
    changes = tuple(
        Change(Action.ADD, Kind.AGENT, f"agent/a{n}", None, samples.agent(f"a{n}")) for n in range(1_000)
    )
    small = Unit("agent/z", (Change(Action.ADD, Kind.AGENT, "agent/z", None, samples.agent("z")),))
    comment = render_markdown(samples.plan(Unit("agent/a0", changes), small))
    assert re.search(r"… [\d,]+ more lines\n```", comment)
    assert "<code>agent/z</code> +1" in comment


def test_foreign_text_is_no_markup() -> None:
    hostile = "<img src=x onerror=alert(1)> | @everyone ``` [x](http://e) #12\n\n# big"
    plan = samples.plan(
        plan_hazards=(samples.hazard(message=hostile, suggestion=hostile, object=hostile),),
        problems=(Problem("c", hostile, hostile, 1, 1, hint=hostile),),
        drift=(Drift(hostile, hostile, hostile),),
    )
    comment = render_markdown(plan)
    assert "<img" not in comment
    assert "@everyone" not in comment
    assert [line for line in comment.splitlines() if line.startswith(("# ", "```"))] == []
    rows = [line for line in comment.splitlines() if line.startswith("| ⚠️")]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [6]


def test_backticks_in_a_prompt_do_not_end_its_block() -> None:
    step = {"id": "ask", "tool": "llm_processor", "with": {"prompt": "Say\n```\ncode\n```\n"}}
    before = samples.agent_type(pipeline=[step])
    after = samples.agent_type(pipeline=[{**step, "with": {"prompt": "Say\n```\nmore\n```\n"}}])
    unit = Unit("type/mail", (Change(Action.CHANGE, Kind.TYPE, "type/mail", before, after),))
    comment = render_markdown(samples.plan(unit))
    assert comment.count("````") == 2


def test_equal_plans_give_equal_comments() -> None:
    assert render_markdown(samples.everything()) == render_markdown(samples.everything())

"""Side by side or one after the other: what comes out is the same."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.pipeline.pipeline import in_order
from reconciler.spec.task import TaskResult, Write
from tests.unit.pipeline.scripted import World, told

PASSES = st.lists(
    st.fixed_dictionaries(
        {"seconds": st.sampled_from([0, 0.001, 0.004]), "fail": st.sampled_from([[], [], [], ["denied"]])}
    ),
    max_size=6,
)


def ran(passes: list[dict[str, Any]], concurrency: int, on_error: str) -> TaskResult:
    inner = [
        {"id": "say", "tool": "say", "with": {"seconds": "{{ item.seconds }}", "fail": "{{ item.fail }}"}},
        {
            "id": "save",
            "tool": "database_writer",
            "with": {"model": "note", "values": {"n": "{{ item.seconds }}"}},
        },
    ]
    spec = {
        "models": {"note": {"fields": {"n": "number"}}},
        "tools": [{"name": "database_writer", "models": ["note"]}],
        "input": {"passes": "list"},
        "pipeline": [
            {"id": "each", "for_each": "{{ input.passes }}", "concurrency": concurrency, "parallel": inner}
            | {"on_error": on_error},
            {
                "id": "end",
                "tool": "say",
                "with": {"value": {"count": "{{ steps.each | default([]) | length }}"}},
            },
        ],
        "output": {"from": "end", "fields": {"count": "integer"}},
    }
    return World(spec).run({"passes": passes})


@settings(max_examples=30, deadline=None)
@given(PASSES, st.sampled_from(["fail", "continue"]))
def test_concurrency_changes_nothing_but_the_time(passes: list[dict[str, Any]], on_error: str) -> None:
    one, many = ran(passes, 1, on_error), ran(passes, 4, on_error)
    assert many.output == one.output
    assert many.failure == one.failure
    assert [write.values for write in many.writes] == [write.values for write in one.writes]
    if one.failure is None and not any(each["fail"] for each in passes):
        assert told(many.trace) == told(one.trace)


def write(row_id: int, text: str) -> Write:
    return Write("notes", "note", "agent", "1.0.0", "insert", {"text": text}, row_id)


def test_writes_of_different_rows_follow_the_manifest() -> None:
    first, second = write(1, "a"), write(2, "b")
    assert in_order([second, first], [first, second]) == [second, first]


def test_writes_of_one_row_follow_each_other_as_they_were_described() -> None:
    made, changed, other = write(1, "made"), write(1, "changed"), write(2, "other")
    assert in_order([changed, other, made], [made, changed, other]) == [made, changed, other]


def test_writes_of_another_agent_keep_their_place_in_front() -> None:
    theirs, made, changed = write(9, "theirs"), write(1, "made"), write(1, "changed")
    assert in_order([made, theirs, changed], [made, changed]) == [made, theirs, changed]

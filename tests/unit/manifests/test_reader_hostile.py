"""No file, however it is made, does more than be answered with problems, located and soon."""

from __future__ import annotations

import time

import pytest

from reconciler.manifests.reader import compile_file
from tests.unit.manifests.hostile import CASES, Case

SECONDS = 1.0


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_a_hostile_file_is_answered_within_a_second_with_a_located_error(case: Case) -> None:
    started = time.perf_counter()
    compiled, problems, _ = compile_file(case.data, "evil.yaml")
    assert time.perf_counter() - started < SECONDS
    first = problems[0]
    assert (first.code, first.line, first.column) == (case.code, case.line, case.column)
    assert (first.severity, first.file) == ("error", "evil.yaml")
    assert len(first.message) < 400
    assert not compiled


def test_no_problem_repeats_what_may_be_a_secret() -> None:
    written = b"""
apiVersion: reconciler/v1
kind: Agent
metadata: {name: a}
spec:
  type: b
  secrets: {one: hunter2, two: {env: "hunter2 "}, three: {file: [hunter2]}, four: {value: hunter2}}
"""
    _, problems, _ = compile_file(written, "a.yaml")
    assert len(problems) >= 4
    assert "hunter2" not in "\n".join(map(str, problems))

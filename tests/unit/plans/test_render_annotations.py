"""Problems and hazards as workflow commands and as SARIF."""

from __future__ import annotations

import json

from reconciler.errors import Problem
from reconciler.plans.changes import Severity
from reconciler.plans.render.annotations import github_annotations, sarif
from reconciler.spec.state import Location
from tests.unit.plans import samples

PROBLEM = Problem("unknown-key", "unknown key", "a b/web.yaml", 9, 7, "/spec/x", "did you mean `y`?")
HAZARD = samples.hazard(Severity.BLOCK, location=Location("mail.yaml", 21, 9))


def test_a_problem_becomes_one_command_with_its_place() -> None:
    assert list(github_annotations([PROBLEM], root="agents.d")) == [
        "::error file=agents.d/a b/web.yaml,line=9,col=7,title=unknown-key::unknown key%0Adid you mean `y`?"
    ]


def test_errors_come_before_warnings_and_notices() -> None:
    plan = samples.everything()
    commands = [line.split(" ")[0] for line in github_annotations(plan.problems, plan.hazards)]
    assert commands == ["::error", "::error", "::warning", "::warning", "::warning", "::notice"]


def test_text_cannot_start_a_command_of_its_own() -> None:
    hostile = Problem("c", "100%\r\n::error::forged", "a,b:c.yaml", 1, 1)
    (line,) = github_annotations([hostile])
    assert line == "::error file=a%2Cb%3Ac.yaml,line=1,col=1,title=c::100%25%0D%0A::error::forged"


def test_a_hazard_without_a_place_is_annotated_without_one() -> None:
    (line,) = github_annotations([], [samples.hazard()])
    assert line.startswith("::warning title=destructive::column body goes")


def test_sarif_has_the_required_properties_and_a_rule_for_every_result() -> None:
    plan = samples.everything()
    log = sarif(plan.problems, plan.hazards, root="agents.d")
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [
        r["ruleId"] for r in run["results"]
    ]
    assert {result["level"] for result in run["results"]} == {"error", "warning", "note"}
    assert all(result["message"]["text"] for result in run["results"])
    assert json.loads(json.dumps(log)) == log


def test_sarif_places_are_relative_uris_counting_from_one() -> None:
    (result,) = sarif([PROBLEM], root="agents.d")["runs"][0]["results"]
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "agents.d/a%20b/web.yaml"},
                "region": {"startLine": 9, "startColumn": 7},
            }
        }
    ]


def test_a_whole_file_has_no_region_and_a_hazard_names_its_object() -> None:
    whole = Problem("yaml-too-large", "too large", "big.yaml")
    first, second = sarif([whole], [HAZARD])["runs"][0]["results"]
    assert "region" not in first["locations"][0]["physicalLocation"]
    assert second["locations"][0]["logicalLocations"] == [{"fullyQualifiedName": HAZARD.address}]


def test_a_finding_keeps_its_identity_when_its_line_and_rows_move() -> None:
    def fingerprints(line: int, rows: int) -> list[str]:
        problem = Problem("unknown-key", "unknown key", "web.yaml", line, 1, "/spec/x")
        results = sarif([problem], [samples.hazard(rows=rows)])["runs"][0]["results"]
        return [result["partialFingerprints"]["finding/v1"] for result in results]

    assert fingerprints(3, 10) == fingerprints(30, 11)
    assert len(set(fingerprints(3, 10))) == 2

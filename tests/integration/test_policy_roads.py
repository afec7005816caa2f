"""What a policy says holds on every road a manifest can take, and so does what an operator pins outside of them all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.bootstrap import load_manifests, open_reconciler, open_schema_manager
from reconciler.errors import ManifestsInvalid, Problem, UsageError
from reconciler.settings import Settings
from tests.repository import Repository

HEAD = {"apiVersion": "reconciler/v1"}
CASES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[1] / "cases" / "policy" / "rules.yaml").read_text()
)
PARAMETERS = [pytest.param(case, id=case["rule"]) for case in CASES]


def documents(case: Mapping[str, Any], which: str) -> dict[str, dict[str, Any]]:
    """A type and its agent, and the type that these may refer to, by name of their files."""
    spec, of_agent = case[which], case.get(f"{which}_agent", {})
    other = {**HEAD, "kind": "AgentType", "metadata": {"name": "other"}}
    others = (
        {"other.json": {**other, "spec": {"version": "1.0.0", **case["other"]}}} if "other" in case else {}
    )
    return others | {
        "type.json": {
            **HEAD,
            "kind": "AgentType",
            "metadata": {"name": "t"},
            "spec": {"version": "1.0.0", **spec},
        },
        "agent.json": {**HEAD, "kind": "Agent", "metadata": {"name": "a"}, "spec": {"type": "t", **of_agent}},
    }


def policy(case: Mapping[str, Any]) -> str:
    return json.dumps({**HEAD, "kind": "Policy", "metadata": {"name": "p"}, "spec": case["policy"]})


def by_file(case: Mapping[str, Any], which: str, settings: Settings) -> tuple[Problem, ...]:
    _write(case, which, Path(settings.source))
    return load_manifests(settings, use_cache=False).problems


def by_commit(case: Mapping[str, Any], which: str, settings: Settings) -> tuple[Problem, ...]:
    repository = Repository(Path(settings.source).parent / "repository")
    files = {
        f"agents.d/{name}".replace(".json", ".yaml"): json.dumps(d)
        for name, d in documents(case, which).items()
    }
    repository.commit(files)
    source = f"git+file://{repository.folder}@main#agents.d"
    found = Settings(source, settings.database, settings.cache, policy=settings.policy)
    return load_manifests(found, use_cache=False).problems


def by_program(case: Mapping[str, Any], which: str, settings: Settings) -> tuple[Problem, ...]:
    text = "\n---\n".join(map(json.dumps, documents(case, which).values()))
    return open_schema_manager(settings).validate(text)


ROADS = {"file": by_file, "commit": by_commit, "program": by_program}


def _write(case: Mapping[str, Any], which: str, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, document in documents(case, which).items():
        (folder / name.replace(".json", ".yaml")).write_text(json.dumps(document))


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str) -> Settings:
    return Settings(
        str(tmp_path / "agents.d"), sqlite_url, tmp_path / "cache", policy=str(tmp_path / "policy.yaml")
    )


def errors(problems: tuple[Problem, ...]) -> list[str]:
    return [f"{problem.code} {problem.pointer}" for problem in problems if problem.severity == "error"]


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("case", PARAMETERS)
def test_a_pinned_policy_stops_what_it_should_and_nothing_else(
    case: dict[str, Any], road: str, settings: Settings
) -> None:
    Path(settings.policy).write_text(policy(case))
    assert errors(ROADS[road](case, "passes", settings)) == []
    assert case["finds"] in errors(ROADS[road](case, "stops", settings))


@pytest.mark.parametrize("case", PARAMETERS)
def test_a_policy_of_the_source_says_the_same(case: dict[str, Any], settings: Settings) -> None:
    unpinned = Settings(settings.source, settings.database, settings.cache)
    _write(case, "stops", Path(settings.source))
    (Path(settings.source) / "policy.yaml").write_text(policy(case))
    assert case["finds"] in errors(load_manifests(unpinned).problems)


def test_every_rule_of_a_policy_has_its_pair() -> None:
    from reconciler.spec.limits import PolicyLimits
    from reconciler.spec.policy import PolicySpec

    elsewhere = {
        "destructive",
        "drift",
        "ignore_drift",
        "sandbox",
        "incidents",
    }  # judged by plans and by workers
    rules = {case["rule"].partition(" ")[0] for case in CASES}
    tried = {rule.partition(".")[0] for rule in rules}
    assert tried >= PolicySpec.model_fields.keys() - elsewhere
    assert {rule.removeprefix("limits.") for rule in rules if "limits." in rule} == {
        *PolicyLimits.model_fields
    }


# --- what is pinned -----------------------------------------------------------------------------------------

DENY = {"policy": {"tools": {"deny": ["template"]}}, "stops": CASES[1]["passes"], "passes": {}}


def test_the_source_cannot_loosen_what_is_pinned(settings: Settings) -> None:
    """Not even by a policy of the same name, or by one that cannot be read."""
    Path(settings.policy).write_text(policy(DENY))
    _write(DENY, "stops", Path(settings.source))
    for own in (policy({"policy": {"tools": {"allow": ["template"]}}}), policy(DENY) + "x"):
        (Path(settings.source) / "policy.yaml").write_text(own)
        assert "policy-tool /spec/tools/0/name" in errors(load_manifests(settings).problems)


def test_a_verdict_that_is_kept_falls_with_what_is_pinned(settings: Settings) -> None:
    _write(DENY, "stops", Path(settings.source))
    Path(settings.policy).write_text(policy({"policy": {}}))
    assert errors(load_manifests(settings).problems) == []
    Path(settings.policy).write_text(policy(DENY))
    assert errors(load_manifests(settings).problems) == ["policy-tool /spec/tools/0/name"]
    with open_reconciler(settings, create=True) as reconciler, pytest.raises(ManifestsInvalid):
        reconciler.apply(reconciler.plan())


def test_a_former_state_is_judged_by_what_is_pinned_now(settings: Settings) -> None:
    Path(settings.policy).write_text(policy({"policy": {}}))
    _write(DENY, "stops", Path(settings.source))
    with open_reconciler(settings, create=True) as reconciler:
        reconciler.apply(reconciler.plan())
    changed = documents(DENY, "passes")["type.json"]
    changed["spec"]["version"] = "2.0.0"
    (Path(settings.source) / "type.yaml").write_text(json.dumps(changed))
    with open_reconciler(settings) as reconciler:
        reconciler.apply(reconciler.plan())
    Path(settings.policy).write_text(policy(DENY))
    with open_reconciler(settings) as reconciler:
        plan = reconciler.rollback_plan(1)
        with pytest.raises(ManifestsInvalid):
            reconciler.apply(plan)
    assert [problem.code for problem in plan.problems] == ["policy-tool"]


def test_a_pinned_policy_may_block_what_destroys(settings: Settings) -> None:
    Path(settings.policy).write_text(policy({"policy": {"destructive": "block"}}))
    model = {"models": {"m": {"fields": {"x": "text", "y": "text"}}}}
    _write({"passes": model}, "passes", Path(settings.source))
    with open_reconciler(settings, create=True) as reconciler:
        reconciler.apply(reconciler.plan())
    from reconciler.database.connection import connect

    with connect(settings.database) as connection:
        connection.execute("INSERT INTO t__m (y) VALUES ('a')")
    changed = documents({"passes": {"models": {"m": {"fields": {"x": "text"}}}}}, "passes")["type.json"]
    changed["spec"]["version"] = "2.0.0"
    (Path(settings.source) / "type.yaml").write_text(json.dumps(changed))
    with open_reconciler(settings) as reconciler:
        hazards = [hazard for hazard in reconciler.plan().hazards if hazard.code == "destructive"]
    assert [hazard.severity for hazard in hazards] == ["block"]


BROKEN = [
    (None, UsageError, "cannot be read"),
    ("a: [", ManifestsInvalid, "problem"),
    (json.dumps(documents(DENY, "passes")["type.json"]), UsageError, "policies"),
    ("", UsageError, "policies"),
]


@pytest.mark.parametrize(("text", "error", "said"), BROKEN)
def test_while_what_is_pinned_is_not_in_order_nothing_goes_ahead(
    text: str | None, error: type[Exception], said: str, settings: Settings
) -> None:
    if text is not None:
        Path(settings.policy).write_text(text)
    _write(DENY, "passes", Path(settings.source))
    with pytest.raises(error, match=said):
        load_manifests(settings)

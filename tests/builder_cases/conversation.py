"""One conversation, led to its end as a patient person would, and judged by the manifests it ends in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from reconciler.bootstrap import load_manifests, open_builder, rehearsals
from reconciler.builder.views import SessionState
from reconciler.control.proposals import Author
from reconciler.llm.provider import LLMProvider
from reconciler.settings import Settings

FOLDER = Path(__file__).parent
MOST_TURNS = 14
OWNER = "expert"
_EXISTING = {
    "visitors": """\
apiVersion: reconciler/v1
kind: AgentType
metadata: {name: visitors}
spec:
  version: 1.0.0
  input: {name: {type: string, required: true}, company: string}
  models:
    visit:
      fields:
        # who it was
        name: {type: string, required: true}
        company: string
  output: {model: visit, from: save}
  tools: [{name: database_writer, models: [visit]}]
  pipeline:
    - id: save
      tool: database_writer
      with:
        model: visit
        mode: insert
        values: {name: "{{ input.name }}", company: "{{ input.company | default(none) }}"}
  tests:
    - name: a visit is stored
      input: {name: Ada, company: Example}
      expect: {output: {name: Ada}, rows: {visit: 1}}
---
apiVersion: reconciler/v1
kind: Agent
metadata: {name: visitors}
spec: {type: visitors}
"""
}


@dataclass(frozen=True)
class Case:
    name: str
    file: str
    say: tuple[str, ...]
    expect: Mapping[str, Any]
    policy: Mapping[str, Any] | None = None
    existing: str = ""


@dataclass
class Outcome:
    """`failures` are expectations that were not met; `invalid` what is wrong with what was written."""

    case: Case
    state: SessionState = SessionState.COLLECTING
    turns: int = 0
    failures: list[str] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)
    honest: bool = True
    """It ended in a manifest, or in a question; not in an error."""

    @property
    def reached(self) -> bool:
        return not self.failures and not self.invalid and self.honest


def cases() -> list[Case]:
    found = []
    for file in sorted(FOLDER.glob("*.yaml")):
        for entry in yaml.safe_load(file.read_text()):
            entry["say"] = tuple(entry["say"])
            found.append(Case(file=file.stem, **entry))
    return found


def lead(
    case: Case,
    folder: Path,
    listener: Callable[[Case], LLMProvider] | None = None,
    *,
    patient: bool = True,
    model: str = "",
) -> Outcome:
    """Leads a conversation in a folder of its own. Without a listener it is guided. `patient`: what is still asked
    when everything was said is answered by its default. What a case expects under `guided` holds only then."""
    settings = _stage(case, folder)
    if listener is None:
        case = replace(case, expect={**case.expect, **case.expect.get("guided", {})})
    builder = open_builder(settings, provider=listener(case) if listener else None)
    session = builder.start(owner=OWNER, guided=listener is None, model=model)
    outcome, said = Outcome(case), [session.messages[-1].text]
    lines = [*case.say]
    state = session.state
    while outcome.turns < MOST_TURNS and state.open and state is not SessionState.CONFIRMED:
        if lines:
            line = lines.pop(0)
        elif state is SessionState.PREVIEW:
            line = "yes"
        elif (
            patient
            and builder.session(session.id).questions
            and builder.session(session.id).questions[0].default
        ):
            line = ""
        else:
            break
        reply = builder.say(session.id, line, owner=OWNER)
        said.append(reply.text)
        state, outcome.turns = reply.state, outcome.turns + 1
    if state is SessionState.CONFIRMED:
        builder.finalize(session.id, Author(OWNER), owner=OWNER)
    view = builder.session(session.id)
    outcome.state = view.state
    outcome.honest = not view.state.open or bool(view.questions) or "Say what" in said[-1]
    kept = json.dumps(
        [[m.text for m in view.messages], [str(s.value) for s in view.slots]], ensure_ascii=False
    )
    outcome.invalid = [*_invalid(settings)]
    outcome.failures = [*_unmet(case, view.template, view.state, settings, "\n".join(said), kept)]
    return outcome


def _stage(case: Case, folder: Path) -> Settings:
    source = folder / "agents.d"
    source.mkdir(parents=True)
    if case.policy is not None:
        policy = {
            "apiVersion": "reconciler/v1",
            "kind": "Policy",
            "metadata": {"name": "team"},
            "spec": case.policy,
        }
        (source / "policy.yaml").write_text(yaml.safe_dump(policy))
    if case.existing:
        (source / f"{case.existing}.yaml").write_text(_EXISTING[case.existing])
    return Settings(
        source=str(source),
        database=f"sqlite:///{folder}/sessions.db",
        cache=folder / "cache",
        ollama_url="http://127.0.0.1:9",
    )


def _invalid(settings: Settings) -> Iterator[str]:
    """What the checks of a person's own manifests say of what was written, policies included."""
    loaded = load_manifests(settings, use_cache=False)
    yield from (str(problem) for problem in loaded.problems if problem.severity == "error")
    types = [address.removeprefix("type/") for address in loaded.state.entries if address.startswith("type/")]
    for rehearsal in rehearsals(loaded.state, types):
        yield from (
            f"{rehearsal.type}: {verdict.test} fails" for verdict in rehearsal.verdicts if not verdict.passed
        )


# --- expectations -----------------------------------------------------------------------------------------------------


def _unmet(
    case: Case, template: str, state: SessionState, settings: Settings, said: str, kept: str
) -> Iterator[str]:
    expect = case.expect
    if expect.get("template", template) != template:
        yield f"template is {template!r}"
    if state.value != expect.get("state", "finalized"):
        yield f"ended {state.value}"
    for text in expect.get("asked", ()):
        if text not in said:
            yield f"nobody said {text!r}"
    written = "\n".join(
        path.read_text()
        for path in sorted(Path(settings.source).rglob("*.yaml"))
        if path.name != "policy.yaml"
    )
    for text in expect.get("absent", ()):
        if text in written or text in kept:
            yield f"{text!r} was kept"
    yield from (f"{text!r} was written" for text in expect.get("not_written", ()) if text in written)
    if state is SessionState.FINALIZED:
        yield from _unmet_by(expect, written)


def _unmet_by(expect: Mapping[str, Any], written: str) -> Iterator[str]:
    documents = [
        document for document in yaml.safe_load_all(written.replace("\n# yaml", "\n---\n# yaml")) if document
    ]
    types = [document["spec"] for document in documents if document["kind"] == "AgentType"]
    agents = [document["spec"] for document in documents if document["kind"] == "Agent"]
    names = [document["metadata"]["name"] for document in documents]
    fields = {
        n: f
        for spec in types
        for model in spec.get("models", {}).values()
        for n, f in model["fields"].items()
    }
    grants = [grant for spec in types for grant in spec.get("tools", ())]
    if "name" in expect and expect["name"] not in names:
        yield f"named {names}"
    if "categories" in expect:
        found = fields.get("category", {}).get("values", [])
        if set(found) - {"other"} != set(expect["categories"]):
            yield f"categories are {found}"
    yield from (f"no field {name} in {[*fields]}" for name in expect.get("fields", ()) if name not in fields)
    yield from (f"a field {name}" for name in expect.get("without_fields", ()) if name in fields)
    for name, kind in expect.get("types", {}).items():
        found = fields.get(name)
        if (found if isinstance(found, str) else (found or {}).get("type")) != kind:
            yield f"{name} is {found}"
    tools = {grant["name"] for grant in grants}
    yield from (f"no tool {name}" for name in expect.get("tools", ()) if name not in tools)
    yield from (f"the tool {name}" for name in expect.get("without_tools", ()) if name in tools)
    if "hosts" in expect:
        hosts = {host for grant in grants for host in grant.get("hosts", ())}
        if hosts != set(expect["hosts"]):
            yield f"hosts are {sorted(hosts)}"
    settings = {name: value for spec in agents for name, value in spec.get("settings", {}).items()}
    yield from (
        f"{n} is {settings.get(n)}" for n, v in expect.get("settings", {}).items() if settings.get(n) != v
    )
    secrets = {name: source.get("env") for spec in agents for name, source in spec.get("secrets", {}).items()}
    yield from (
        f"secret {n} is {secrets.get(n)}" for n, v in expect.get("secrets", {}).items() if secrets.get(n) != v
    )
    schedules = [spec.get("schedule", "") for spec in agents]
    if "schedule" in expect and expect["schedule"] not in schedules:
        yield f"schedules are {schedules}"
    if "version" in expect and expect["version"] not in [spec["version"] for spec in types]:
        yield f"versions are {[spec['version'] for spec in types]}"
    yield from (f"{text!r} is not in it" for text in expect.get("contains", ()) if text not in written)

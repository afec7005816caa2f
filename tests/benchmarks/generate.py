"""Manifests for benchmarks: `python -m tests.benchmarks.generate DIR --types 1000 --agents 9000`.

Writes one file per object, as people write them: types of about 60 lines with one or two models,
references, indexes, checks, a pipeline with expressions and a test; agents of about ten. Equal arguments
give equal bytes. Every manifest is valid. `--mutate` edits what an earlier run wrote, as a pull request
would: `one` type, or `all` types and agents.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUBJECTS = (
    "email",
    "invoice",
    "ticket",
    "contract",
    "resume",
    "review",
    "claim",
    "lead",
    "order",
    "shipment",
)
PURPOSES = (
    "analysis",
    "triage",
    "routing",
    "intake",
    "digest",
    "screening",
    "scoring",
    "archive",
    "matching",
    "watch",
)
TEAMS = ("support", "finance", "sales", "legal", "people", "logistics", "research", "security")
LABELS = (
    "billing",
    "bug",
    "sales",
    "legal",
    "urgent",
    "spam",
    "feedback",
    "renewal",
    "outage",
    "praise",
    "other",
)
LLMS = ("llama3.2", "mistral", "qwen2.5", "gemma2")
MEASURES = ("urgency", "priority", "severity", "confidence", "effort", "risk")
SCHEDULES = ("*/5 * * * *", "0 * * * *", "15 6 * * 1-5", "30 2 * * *", "*/20 8-18 * * 1-5")


@dataclass(frozen=True)
class TypePlan:
    """What varies between generated types. Rows of a type with a `parent` point at rows of that."""

    number: int
    name: str
    team: str
    model: str
    measure: str
    labels: tuple[str, ...]
    llm: str
    parent: TypePlan | None
    with_items: bool
    with_classifier: bool
    with_alert: bool
    with_secret: bool


def plan_types(count: int, rng: random.Random) -> list[TypePlan]:
    plans: list[TypePlan] = []
    for number in range(count):
        subject, purpose = rng.choice(SUBJECTS), rng.choice(PURPOSES)
        labels = tuple(sorted(rng.sample(LABELS[:-1], rng.randint(3, 6))))
        plans.append(
            TypePlan(
                number=number,
                name=f"{subject}-{purpose}-{number:04d}",
                team=rng.choice(TEAMS),
                model=f"{subject}_{rng.choice(('record', 'result', 'entry', 'case'))}",
                measure=rng.choice(MEASURES),
                labels=(*labels, "other"),
                llm=rng.choice(LLMS),
                parent=rng.choice(plans) if plans and rng.random() < 0.15 else None,
                with_items=rng.random() < 0.5,
                with_classifier=rng.random() < 0.5,
                with_alert=rng.random() < 0.7,
                with_secret=rng.random() < 0.4,
            )
        )
    return plans


def type_manifest(plan: TypePlan) -> str:
    parts = (_head(plan), _inputs(plan), _models(plan), _grants(plan), _pipeline(plan), _test(plan))
    return "\n".join(line for part in parts for line in part) + "\n"


def _head(plan: TypePlan) -> Iterator[str]:
    words = plan.name.rsplit("-", 1)[0].replace("-", " ")
    yield from ("apiVersion: reconciler/v1", "kind: AgentType")
    yield f"metadata: {{name: {plan.name}, labels: {{team: {plan.team}, tier: tier-{plan.number % 3 + 1}}}}}"
    yield from ("spec:", f"  version: 1.{plan.number % 7}.0", f"  title: {words.capitalize()} {plan.number}")
    yield f"  owner: {plan.team}@example.com"
    yield "  settings:"
    yield "    source_name: {type: string, max_length: 80, default: inbox}"
    yield "    notify: {type: string, format: email, required: true}"
    yield f"    threshold: {{type: integer, min: 1, max: 5, default: {plan.number % 4 + 2}}}"
    if plan.with_secret:
        yield "  secrets: [access_token]"
    if plan.with_alert:
        yield "  acknowledge: [lethal-combination]"


def _inputs(plan: TypePlan) -> Iterator[str]:
    yield "  input:  # what its agents start from when the clock runs them: nobody gives them anything"
    yield "    reference: {type: string, max_length: 120, required: true, default: none}"
    yield "    sender: {type: string, format: email, required: true, default: nobody@example.com}"
    yield '    subject: {type: string, max_length: 998, required: true, default: ""}'
    yield '    body: {type: text, required: true, default: ""}'
    if plan.parent:
        yield "    parent: {type: integer, min: 1}"


def _models(plan: TypePlan) -> Iterator[str]:
    labels = ", ".join(plan.labels)
    yield from ("  models:", f"    {plan.model}:", "      fields:")
    yield "        reference: {type: string, max_length: 120, required: true, unique: true}"
    yield "        sender: {type: string, max_length: 320, index: true, sensitive: true}"
    yield f"        label: {{type: enum, values: [{labels}], required: true}}"
    yield f"        {plan.measure}: {{type: integer, min: 1, max: 5}}"
    yield "        amount: {type: decimal, precision: 12, scale: 2}"
    yield "        summary: {type: text, max_length: 2000}"
    yield f"        body: {{type: text{', encrypted: true' if plan.number % 5 == 0 else ''}}}"
    if plan.parent:
        target = f"{plan.parent.name}.{plan.parent.model}"
        yield f"        parent: {{type: reference, model: {target}, on_delete: set_null}}"
    yield f"      indexes: [{{fields: [label, {plan.measure}]}}]"
    check = f"{plan.measure} < 5 or summary is not null"
    yield f'      checks: [{{name: summary_if_high, expression: "{check}"}}]'
    if plan.with_items:
        yield from ("    todo_item:", "      fields:")
        target = f"model: {plan.model}, on_delete: cascade"
        yield f"        {plan.model}: {{type: reference, {target}, required: true}}"
        yield "        task: {type: string, max_length: 200, required: true}"
        yield "        done: {type: boolean, default: false}"
        yield "        due: date"
    yield f"  output: {{model: {plan.model}, from: save}}"


def _grants(plan: TypePlan) -> Iterator[str]:
    models = f"{plan.model}, todo_item" if plan.with_items else plan.model
    yield "  tools:"
    yield f"    - {{name: llm_processor, models: [{plan.llm}], limits: {{calls: 4, tokens: 16000}}}}"
    if plan.with_classifier:
        yield "    - {name: keyword_classifier}"
    yield f"    - {{name: database_writer, models: [{models}]}}"
    if plan.with_alert:
        to = "{{ settings.notify }}"
        yield f'    - {{name: email_connector, hosts: [smtp.example.com], recipients: ["{to}"]}}'
    timeout, concurrency = 30 + plan.number % 6 * 10, plan.number % 4 + 1
    yield f"  limits: {{timeout: {timeout}s, memory: 256Mi, concurrency: {concurrency}}}"


def _pipeline(plan: TypePlan) -> Iterator[str]:
    labels = ", ".join(plan.labels)
    yield from ("  pipeline:", "    - id: classify", "      tool: llm_processor", "      with:")
    yield from (f"        model: {plan.llm}", "        prompt: |")
    yield f"          You sort mail for the {plan.team} team. Choose one label and rate the {plan.measure}."
    yield "          Subject: {{ input.subject }}"
    yield "          {{ input.body | truncate(4000) }}"
    label, measure = f"{{type: enum, values: [{labels}]}}", "{type: integer, min: 1, max: 5}"
    yield f"        output: {{label: {label}, {plan.measure}: {measure}, summary: text}}"
    yield "      timeout: 20s"
    yield "      retry: {attempts: 3, backoff: 1s, on: [timeout, unavailable, invalid_output]}"
    if plan.with_classifier:
        rules = f"{{{plan.labels[0]}: [{plan.labels[0]}, urgent]}}"
        text = "{{ input.subject }} {{ input.body }}"
        with_ = f'{{text: "{text}", default: other, rules: {rules}}}'
        yield f"      fallback: {{tool: keyword_classifier, with: {with_}}}"
    yield from _save_step(plan)
    if plan.with_alert:
        yield "    - id: alert"
        yield f'      when: "{{{{ steps.classify.{plan.measure} | default(1) >= settings.threshold }}}}"'
        yield "      tool: email_connector"
        to, about = "{{ settings.notify }}", "{{ input.subject }}"
        yield f'      with: {{action: send, to: "{to}", subject: "{about}", text: Please look}}'
        yield "      on_error: continue"


def _save_step(plan: TypePlan) -> Iterator[str]:
    yield from (
        "    - id: save",
        "      tool: database_writer",
        "      with:",
        f"        model: {plan.model}",
    )
    yield from ("        mode: upsert", "        key: [reference]")
    values = {
        "reference": "input.reference",
        "sender": "input.sender | lower",
        "label": "steps.classify.label",
        plan.measure: f"steps.classify.{plan.measure} | default(1)",
        "summary": "steps.classify.summary | default(none)",
        "body": "input.body",
    }
    if plan.parent:
        values["parent"] = "input.parent | default(none)"
    written = ", ".join(f'{name}: "{{{{ {text} }}}}"' for name, text in values.items())
    yield f"        values: {{{written}}}"


def _test(plan: TypePlan) -> Iterator[str]:
    label = plan.labels[plan.number % len(plan.labels)]
    called = "classify, save, alert" if plan.with_alert else "classify, save"
    yield from ("  tests:", f"    - name: a message about {label} is kept")
    yield "      input: {reference: t-1, sender: someone@example.com, subject: Look, body: It matters to us}"
    yield "      settings: {notify: oncall@example.com}"
    yield f"      mocks: {{classify: {{label: {label}, {plan.measure}: 5, summary: Needs a look}}}}"
    yield f"      expect: {{output: {{label: {label}}}, rows: {{{plan.model}: 1}}, called: [{called}]}}"


def agent_manifest(number: int, plan: TypePlan, rng: random.Random) -> tuple[str, str]:
    """The agent's name and its manifest."""
    name = f"{plan.team}-{plan.name.split('-')[0]}-{number:05d}"
    lines = ["apiVersion: reconciler/v1", "kind: Agent", "metadata:", f"  name: {name}"]
    lines += [f"  labels: {{team: {plan.team}}}", "spec:", f"  type: {plan.name}", "  settings:"]
    lines += [
        f"    notify: {plan.team}-{plan.number}@example.com",
        f"    source_name: queue-{rng.randint(1, 40)}",
    ]
    if plan.with_secret:
        lines.append(f"  secrets: {{access_token: {{env: {plan.team.upper()}_TOKEN}}}}")
    lines.append(f'  schedule: "{rng.choice(SCHEDULES)}"')
    return name, "\n".join(lines) + "\n"


def write_manifests(folder: Path, types: int, agents: int, seed: int) -> None:
    rng = random.Random(seed)
    plans = plan_types(types, rng)
    for below in ("types", "agents"):
        (folder / below).mkdir(parents=True, exist_ok=True)
    for plan in plans:
        (folder / "types" / f"{plan.name}.yaml").write_text(type_manifest(plan), encoding="utf-8")
    for number in range(agents if plans else 0):
        name, text = agent_manifest(number, rng.choice(plans), rng)
        (folder / "agents" / f"{name}.yaml").write_text(text, encoding="utf-8")


def mutate(folder: Path, which: str) -> int:
    """A type gains a field and a minor version, an agent another queue. Returns how many were edited."""
    types = sorted((folder / "types").glob("*.yaml"))
    agents = sorted((folder / "agents").glob("*.yaml"))
    for path in types[:1] if which == "one" else types:
        path.write_text(_with_new_field(path.read_text(encoding="utf-8")), encoding="utf-8")
    if which == "one":
        return len(types[:1])
    for path in agents:
        text = path.read_text(encoding="utf-8")
        moved = re.sub(r"queue-(\d+)", lambda queue: f"queue-{int(queue[1]) + 1}", text)
        path.write_text(moved, encoding="utf-8")
    return len(types) + len(agents)


def _with_new_field(text: str) -> str:
    version = re.search(r"^  version: 1\.(\d+)\.0$", text, re.M)
    if version is None:
        raise SystemExit("this is not a type that this program wrote")
    minor = int(version[1]) + 1
    text = text.replace(version[0], f"  version: 1.{minor}.0", 1)
    last = "        summary: {type: text, max_length: 2000}\n"
    return text.replace(last, f"{last}        note_{minor}: {{type: string, max_length: 200}}\n", 1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--types", type=int, default=1000)
    parser.add_argument("--agents", type=int, default=9000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutate", choices=("one", "all"))
    options = parser.parse_args()
    if options.mutate:
        print(f"{mutate(options.folder, options.mutate)} manifests edited")
    else:
        write_manifests(options.folder, options.types, options.agents, options.seed)


if __name__ == "__main__":
    main()

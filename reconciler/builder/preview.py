"""What a draft means: its plan, what it does in plain words, a sample of it at work, and its open risks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.builder.session import Session
from reconciler.builder.templates import reading
from reconciler.builder.views import DraftSummary, Preview, Question, Risk, TestVerdict
from reconciler.builder.workshop import Draft

if TYPE_CHECKING:
    from reconciler.builder.templates.template import Document
    from reconciler.plans.plan import Plan
    from reconciler.spec.agent_type import AgentType
    from reconciler.spec.steps import Step

_WIDTH = 100
_CALLS = {
    "keyword_classifier": "sorts it by the words in it",
    "text_extract": "finds values in it by patterns",
    "text_splitter": "cuts it into pieces",
    "llm_processor": "asks a language model",
    "html_to_text": "takes the text out of the page",
    "http_request": "fetches the page",
    "database_reader": "reads rows",
    "json_transform": "reshapes values",
    "template": "fills a text",
}


def preview_of(session: Session, draft: Draft, questions: tuple[Question, ...]) -> Preview:
    first = _first_test(draft)
    return Preview(
        session=session.id,
        version=session.version,
        state=session.state,
        yaml=draft.yaml,
        documents=tuple(draft.documents),
        files={change.path: (change.content or b"").decode() for change in draft.changes},
        plan=draft.plan,
        plan_text=_plan_text(draft),
        docs=_docs(draft),
        sample_input=first.get("input", {}),
        sample_output=first.get("expect", {}).get("output"),
        tests=tuple(_verdicts(draft)),
        risks=tuple(_risks(session, draft)),
        problems=draft.problems,
        ready=draft.sound,
        agent=agent_of(draft),
        questions=questions,
    )


def agent_of(draft: Draft) -> str:
    """The agent that takes the tasks; empty where the draft has none."""
    agents = [d["metadata"]["name"] for d in draft.documents if d["kind"] == "Agent"]
    return agents[0] if agents else ""


def draft_summary(documents: list[Document], *, checked: bool) -> DraftSummary | None:
    types = [document for document in documents if document["kind"] == "AgentType"]
    if not types:
        return None
    spec = types[0]["spec"]
    agents = [d["metadata"]["name"] for d in documents if d["kind"] == "Agent"]
    tools = {grant["name"] for document in types for grant in document["spec"].get("tools", ())}
    fields = {name: tuple(model["fields"]) for name, model in spec.get("models", {}).items()}
    name = types[0]["metadata"]["name"]
    return DraftSummary(
        name, agents[0] if agents else "", spec["version"], tuple(sorted(tools)), fields, checked
    )


def _plan_text(draft: Draft) -> str:
    if draft.plan is None:
        return ""
    from reconciler.plans.render.text import render_text

    return "\n".join(render_text(draft.plan, colour=False, width=_WIDTH))


def _first_test(draft: Draft) -> Mapping[str, Any]:
    """The first test that ends well, as written."""
    for document in draft.documents:
        for test in document["spec"].get("tests") or ():
            if "error" not in test.get("expect", {}) and test.get("input"):
                return dict(test)
    return {}


def _verdicts(draft: Draft) -> Iterator[TestVerdict]:
    for rehearsal in draft.rehearsals:
        for verdict in rehearsal.verdicts:
            differences = tuple(difference.message for difference in verdict.differences)
            yield TestVerdict(verdict.test, verdict.passed, differences)


# --- in words -------------------------------------------------------------------------------------------------------


def _docs(draft: Draft) -> str:
    """A page of Markdown: what comes in, what is done, what is stored, what it may reach."""
    return "\n\n".join(_page(agent_type) for agent_type in draft.types)


def _page(agent_type: AgentType) -> str:
    spec = agent_type.spec
    lines = [f"## {spec.title or agent_type.name} {spec.version}", "", spec.description or ""]
    if spec.input:
        lines += ["", "What is handed in:", ""]
        lines += [
            f"- `{name}`: {field.type.value}{_needed(field.required)}" for name, field in spec.input.items()
        ]
    lines += ["", "What it does, in this order:", ""]
    lines += [f"{number}. {_step(step)}" for number, step in enumerate(spec.pipeline, 1)]
    for name, model in spec.models.items():
        lines += ["", f"What it stores in `{name}`:", ""]
        lines += [
            f"- `{field_name}`: {field.type.value}{_needed(field.required)}"
            for field_name, field in model.fields.items()
        ]
    reaches = [
        f"- `{grant.name}`" + (f" at {', '.join(grant.hosts)}" if grant.hosts else "")
        for grant in spec.tools
        if grant.hosts or grant.recipients
    ]
    lines += ["", "What it may reach outside:", "", *(reaches or ["- nothing"])]
    return "\n".join(lines)


def _needed(required: bool) -> str:
    return ", required" if required else ""


def _step(step: Step) -> str:
    told = _call(step)
    if step.for_each is not None:
        told += ", once for each item of a list"
    if step.when is not None:
        told += f", only if `{_bare(step.when)}`"
    return told


def _call(step: Step) -> str:
    if step.parallel:
        return f"side by side: {'; '.join(map(_step, step.parallel))}"
    if step.agent:
        return f"hands it to the agent `{step.agent}`"
    match step.tool:
        case "database_writer":
            return f"stores a row in `{step.with_.get('model')}`"
        case "email_connector":
            return "sends a mail" if step.with_.get("action") == "send" else "reads mail"
        case tool:
            return _CALLS.get(tool or "", f"calls `{tool}`")


def _bare(expression: str | bool) -> str:
    return str(expression).removeprefix("{{").removesuffix("}}").strip()


# --- risks ----------------------------------------------------------------------------------------------------------


def _risks(session: Session, draft: Draft) -> Iterator[Risk]:
    for problem in draft.problems:
        yield Risk(problem.code, _sentence(problem.message), problem.hint, problem.severity == "error")
    for rehearsal in draft.rehearsals:
        for verdict in rehearsal.verdicts:
            if not verdict.passed:
                told = "; ".join(difference.message for difference in verdict.differences)
                yield Risk("test-failed", f"The test `{verdict.test}` fails: {told}.", stops=True)
    if draft.plan is not None:
        yield from _hazards(draft.plan)
    for document in draft.documents:
        yield from _needs(document)
    if session.value("engine") != "model" and (unread := _unreadable(session)):
        yield Risk(
            "not-readable", f"No pattern finds {', '.join(unread)}: they stay empty without a language model."
        )


def _hazards(plan: Plan) -> Iterator[Risk]:
    from reconciler.plans.changes import Severity

    for hazard in plan.hazards:
        rows = f" ({hazard.rows} rows)" if hazard.rows else ""
        stops = hazard.severity is not Severity.NOTICE
        yield Risk(hazard.code, _sentence(f"{hazard.message}{rows}"), hazard.suggestion, stops)


def _needs(document: Document) -> Iterator[Risk]:
    """What has to be there before an agent can run."""
    for secret, source in document["spec"].get("secrets", {}).items() if document["kind"] == "Agent" else ():
        if isinstance(source, dict) and "env" in source:
            yield Risk("secret-needed", f"The secret `{secret}` is read from the variable {source['env']}.")
    for grant in document["spec"].get("tools") or () if document["kind"] == "AgentType" else ():
        if grant.get("name") == "llm_processor":
            models = ", ".join(grant.get("models") or ())
            yield Risk(
                "model-needed", f"A language model ({models}) decides; where it does not answer, rules do."
            )


def _unreadable(session: Session) -> list[str]:
    if session.template not in ("email", "text-processing", "document-extraction"):
        return []
    fields = session.value("details") or {}
    return [name for name, spec in fields.items() if spec["type"] not in reading.READABLE]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."

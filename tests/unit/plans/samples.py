"""Plans made by hand, one per situation a rendering must tell apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.errors import Problem
from reconciler.plans.changes import Action, Change, Disposition, Hazard, Kind, Severity, Unit
from reconciler.plans.plan import Plan
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from reconciler.spec.state import Drift, Location, Parked
from reconciler.spec.tables import Check, Column, tables_of


def agent_type(name: str = "mail", version: str = "1.0.0", **spec: Any) -> AgentType:
    return AgentType.model_validate(
        {
            "apiVersion": "reconciler/v1",
            "kind": "AgentType",
            "metadata": {"name": name},
            "spec": {"version": version, **spec},
        }
    )


def agent(name: str = "inbox", type_name: str = "mail", **spec: Any) -> Agent:
    return Agent.model_validate(
        {
            "apiVersion": "reconciler/v1",
            "kind": "Agent",
            "metadata": {"name": name},
            "spec": {"type": type_name, **spec},
        }
    )


def plan(*units: Unit, **parts: Any) -> Plan:
    return Plan(
        id="4f3a9c2b7d1e8a60",
        source="agents.d",
        database="sqlite:///reconciler.db",
        desired="d" * 32,
        observed="o" * 32,
        units=units,
        **parts,
    )


def hazard(severity: Severity = Severity.CONFIRM, **parts: Any) -> Hazard:
    defaults: Mapping[str, Any] = {
        "code": "destructive",
        "address": "table/mail__analysis/column/body",
        "object": "mail.analysis.body",
        "message": "column body goes; its values are parked in the archive",
        "suggestion": "keep the field, or allow it",
        "rows": 1204,
    }
    return Hazard(severity=severity, **{**defaults, **parts})


MODELS = {
    "analysis": {
        "fields": {
            "message_id": {"type": "string", "max_length": 255, "required": True, "unique": True},
            "priority": {"type": "integer", "min": 1, "max": 5},
            "category": {"type": "enum", "values": ["bug", "other"], "required": True},
            "body": "text",
        },
        "checks": [{"name": "urgent", "expression": "priority < 4 or body is not null"}],
    }
}
STEP = {"id": "save", "tool": "database_writer", "with": {"model": "analysis", "mode": "insert"}}
PROMPT = {
    "id": "ask",
    "tool": "llm_processor",
    "with": {"prompt": "Classify.\nBe brief.\nAnswer in English.\n"},
}


def first_apply() -> Plan:
    new = agent_type(models=MODELS, pipeline=[STEP])
    table = tables_of(new)["mail__analysis"]
    return plan(
        Unit(
            "type/mail",
            (
                Change(Action.ADD, Kind.TYPE, "type/mail", None, new, reason="in the manifests"),
                Change(Action.ADD, Kind.TABLE, "table/mail__analysis", None, table, reason="a new model"),
                Change(Action.ADD, Kind.AGENT, "agent/inbox", None, agent(schedule="*/5 * * * *")),
            ),
        ),
        commit="0123456789abcdef0123",
    )


def everything() -> Plan:
    """Every action, severity and section at once."""
    before = agent_type(models=MODELS, pipeline=[PROMPT, STEP], description="Sorts mail.")
    models = {"analysis": {**MODELS["analysis"], "checks": []}}
    prompt = {**PROMPT, "with": {"prompt": "Classify.\nBe thorough.\nAnswer in English.\n"}}
    after = agent_type(
        version="2.0.0",
        models=models,
        pipeline=[STEP, prompt],
        description="Sorts the mail of support by category and urgency, and tells who must know.",
    )
    table = "table/mail__analysis"
    priority = Column(name="priority", type="integer", minimum=1, maximum=5)
    urgency = priority.model_copy(update={"name": "urgency"})
    body, wide = Column(name="body", type="text"), Column(name="note", type="string", max_length=600)
    due = Parked(
        7,
        "mail__analysis",
        "due",
        "_archived_3_due",
        Column(name="due", type="date"),
        3,
        17,
        "2026-11-01T10:00:00Z",
    )
    narrowing = hazard(
        Severity.BLOCK,
        code="narrowing",
        address=f"{table}/column/note",
        object="mail.analysis.note",
        message="note holds at most 300 from now on; values that do not fit would be without a place",
        suggestion="change the rows first, or choose a wider type",
        rows=1,
        location=Location("mail.yaml", 21, 9),
    )
    notice = hazard(
        Severity.NOTICE,
        code="locking",
        object="mail.analysis",
        rows=None,
        message="scans the table",
        suggestion="",
    )
    main = Unit(
        "type/mail",
        (
            Change(Action.CHANGE, Kind.TYPE, "type/mail", before, after),
            Change(
                Action.RENAME,
                Kind.COLUMN,
                f"{table}/column/urgency",
                priority,
                urgency,
                reason="renamed from priority",
            ),
            Change(
                Action.CHANGE,
                Kind.COLUMN,
                f"{table}/column/note",
                wide,
                wide.model_copy(update={"max_length": 300, "nullable": False}),
                hazards=(narrowing, notice),
                drift=True,
            ),
            Change(Action.RESTORE, Kind.COLUMN, f"{table}/column/due", None, due.definition, parked=due),
            Change(
                Action.REMOVE,
                Kind.COLUMN,
                f"{table}/column/body",
                body,
                None,
                hazards=(hazard(),),
                disposition=Disposition.ARCHIVE,
            ),
            Change(
                Action.REMOVE,
                Kind.CHECK,
                f"{table}/check/urgent",
                Check(name="ck_urgent_0a", label="urgent", expression="priority < 4"),
                None,
                reason="the manifest changed",
            ),
        ),
    )
    gone = Unit(
        "agent/old",
        (
            Change(
                Action.REMOVE,
                Kind.AGENT,
                "agent/old",
                agent("old"),
                None,
                reason="no longer in the manifests",
            ),
        ),
    )
    return plan(
        gone,
        main,
        plan_hazards=(
            hazard(code="mass-removal", address="", object="", rows=None, message="3 of 4 objects would go"),
        ),
        drift=(
            Drift(f"{table}/column/note", "VARCHAR(300)", "VARCHAR(600)"),
            Drift(f"{table}/index/ix_body", "CREATE INDEX", None),
        ),
        problems=(
            Problem(
                "unknown-key", "unknown key `requird`", "web.yaml", 9, 7, "/spec", "did you mean `required`?"
            ),
            Problem("unused-grant", "grant is not used", "mail.yaml", 3, 1, severity="warning"),
        ),
        held=("type/web",),
    )


def column(of: AgentType, name: str) -> Column:
    """The column of that name in the type's first table."""
    found = next(iter(tables_of(of).values())).column(name)
    assert found is not None
    return found

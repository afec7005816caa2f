"""`reconcile agents`: which agents there are, and what each of them can do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.columns import aligned, moment
from reconciler.cli.console import Console
from reconciler.cli.hold_commands import disable, enable
from reconciler.cli.invocation import Invocation, shared_options
from reconciler.plans.render.ink import printable

if TYPE_CHECKING:
    from reconciler.agents.listing import AgentRecord
    from reconciler.database.records import TypeVersion

STATUSES = ("active", "deprecated", "retired", "broken")
CAPABILITIES = ("language_model", "tables", "network", "mail", "files")


@click.group()
def agents() -> None:
    """List agents, show what each can do, and put them on hold."""


@agents.command("list")
@click.option("--name", metavar="PATTERN", default="", help="Names like this; * and ? stand for anything.")
@click.option("--text", metavar="WORDS", default="", help="In name, title or description.")
@click.option("--label", metavar="KEY[=VALUE]", default="", help="With this label.")
@click.option("--owner", metavar="OWNER", default="", help="Owned by.")
@click.option("--type", "type_", metavar="TYPE", default="", help="Of this type.")
@click.option("--tool", metavar="TOOL", default="", help="Granted this tool.")
@click.option("--capability", type=click.Choice(CAPABILITIES), help="Able to reach this.")
@click.option("--model", metavar="MODEL", default="", help="Granted this language model.")
@click.option("--table", metavar="TABLE", default="", help="Reading or writing it; TYPE.MODEL will do.")
@click.option("--kind", type=click.Choice(["dynamic", "static"]), help="From YAML, or Python classes.")
@click.option("--status", type=click.Choice(STATUSES), help="Removed agents count as retired.")
@click.option("--enabled/--disabled", default=None, help="Only those that run, or that do not.")
@shared_options("database", "json", "debug")
def list_agents(invocation: Invocation, type_: str, **said: Any) -> None:
    """List the agents that match all that is asked."""
    from reconciler.agents.lifecycle import Status
    from reconciler.agents.listing import AgentFilter
    from reconciler.bootstrap import open_agent_registry

    status, capability = said.pop("status"), said.pop("capability")
    wanted = AgentFilter(
        type=type_, status=Status(status) if status else None, capability=capability or "", **said
    )
    found = open_agent_registry(invocation.settings()).list(wanted)
    console = invocation.console()
    if console.json:
        console.document({"agents": [_document(agent) for agent in found]})
    elif found:
        console.lines(aligned(("AGENT", "TYPE", "VERSION", "STATUS", "CAN"), [_row(a) for a in found]))
    else:
        console.lines(["No agent matches." if wanted != AgentFilter() else "There are no agents yet."])


@agents.command("show")
@click.argument("name")
@shared_options("database", "json", "debug")
def show_agent(invocation: Invocation, name: str) -> None:
    """Show one agent: what it takes and gives, what it can reach, the versions of its type."""
    from reconciler.bootstrap import open_agent_registry

    registry = open_agent_registry(invocation.settings())
    agent = registry.get(name)
    versions = registry.versions(agent.type) if agent.type else []
    console = invocation.console()
    if console.json:
        told = [{"version": v.version, "status": v.status, "current": v.current} for v in versions]
        console.document({**_document(agent), "versions": told})
    else:
        console.lines(_lines(agent, versions, console))


agents.add_command(disable)
agents.add_command(enable)


def _row(agent: AgentRecord) -> tuple[str, ...]:
    status = agent.status.value if agent.enabled or agent.problem else f"{agent.status.value}, disabled"
    can = ", ".join(sorted(agent.reach.capabilities)) or agent.problem or "-"
    return (agent.name, agent.type or "(static)", agent.version or "-", status, can)


def _document(agent: AgentRecord) -> dict[str, Any]:
    from dataclasses import asdict

    reach = asdict(agent.reach) | {"capabilities": sorted(agent.reach.capabilities)}
    return asdict(agent) | {"labels": dict(agent.labels), "status": agent.status.value, "reach": reach}


def _lines(agent: AgentRecord, versions: Sequence[TypeVersion], console: Console) -> Iterator[str]:
    reach = agent.reach
    told = {
        "Agent": f"{agent.name}, {agent.kind}" + ("" if agent.enabled else ", disabled"),
        "Type": f"{agent.type} {agent.version}".strip() if agent.type else agent.version,
        "Title": agent.title,
        "About": agent.description,
        "Owner": agent.owner,
        "Labels": ", ".join(f"{key}={value}" for key, value in agent.labels),
        "Status": _status(agent),
        "Problem": agent.problem,
        "Schedule": agent.schedule,
        "Deployed": f"{moment(agent.deployed_at)} UTC, revision {agent.revision}" if agent.revision else "",
        "Tools": ", ".join(reach.tools),
        "Models": ", ".join(reach.models),
        "Writes": ", ".join(reach.writes),
        "Reads": ", ".join(reach.reads),
        "Hosts": ", ".join(reach.hosts),
        "Mails": ", ".join(reach.recipients),
        "Calls": ", ".join(reach.agents),
        "Versions": ", ".join(f"{v.version} (live)" if v.current else v.version for v in versions),
    }
    for label, value in told.items():
        if value:
            yield f"{console.faint(f'{label:<9}')} {printable(value)}"


def _status(agent: AgentRecord) -> str:
    if not agent.deprecated:
        return agent.status.value
    until = f", no new tasks from {agent.sunset} on" if agent.sunset else ""
    return f"{agent.status.value}{until}: {agent.deprecated}"

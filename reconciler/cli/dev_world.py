"""What is in a development server: manifests applied, tasks run, rows made up, and who runs tasks that come later."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from reconciler.errors import ReconcilerError, Unavailable
from reconciler.llm.memory import ScriptedModel
from reconciler.llm.provider import ChatRequest
from reconciler.tools.egress import Network

if TYPE_CHECKING:
    import socket

    from reconciler.database.connection import Connection
    from reconciler.execution.jobs import Executor
    from reconciler.execution.worker import Worker
    from reconciler.settings import Settings
    from reconciler.spec.agent_type import AgentType
    from reconciler.tools.host import Host

DAYS = 30
"""Rows that were made up are spread over as many days back from now."""
THINKING = 0.35
"""Seconds that the language model takes for an answer, so that a task can be watched."""

_FEEDBACK = """\
apiVersion: reconciler/v1
kind: AgentType
metadata: {{name: feedback, labels: {{team: product}}}}
spec:
  version: {version}
  title: Customer feedback
  description: Reads what customers say of us, and tells how they mean it.
  owner: product@example.com
  input:
    text: {{type: text, required: true, min_length: 1, max_length: 4000, description: In the customer's own words.}}
    channel: {{type: enum, values: [mail, chat, survey, store], default: mail}}
    stars: {{type: integer, min: 1, max: 5}}
  models:
    opinion:
      description: One voice.
      fields:
        channel: {{type: enum, values: [mail, chat, survey, store], required: true, default: mail}}
        mood: {{type: enum, values: [delighted, content, unsure, annoyed], required: true}}
        stars: {{type: integer, min: 1, max: 5}}
{extra}        text: {{type: text, required: true, max_length: 4000}}
      indexes: [{{fields: [channel, mood]}}]
  output: {{model: opinion, from: save}}
  tools:
    - {{name: llm_processor, models: [llama3.2], limits: {{calls: 3, tokens: 8000}}}}
    - {{name: database_writer, models: [opinion]}}
  limits: {{timeout: 60s}}
  pipeline:
    - id: read
      tool: llm_processor
      with:
        model: llama3.2
        prompt: How does this customer mean it?
        content: "{{{{ input.text }}}}"
        output: {{mood: {{type: enum, values: [delighted, content, unsure, annoyed], required: true}}}}
    - id: save
      tool: database_writer
      with:
        model: opinion
        mode: insert
        values: {{channel: "{{{{ input.channel }}}}", stars: "{{{{ input.stars | default(none) }}}}", mood: "{{{{ steps.read.mood }}}}", text: "{{{{ input.text }}}}"}}
---
apiVersion: reconciler/v1
kind: Agent
metadata: {{name: feedback-reader, labels: {{team: product}}}}
spec: {{type: feedback}}
"""  # noqa: E501 - manifests are as wide as they are
_STAGES = (
    (
        "1.0.0",
        "        reference: {type: string, max_length: 40}\n        priority: {type: integer, min: 0}\n",
    ),
    ("2.0.0", "        priority: {type: integer, min: 0}\n"),
    ("3.0.0", "        confidence: {type: number, min: 0, max: 1, index: true}\n"),
)
"""Versions of the type `feedback`, with the fields that come and go."""


class World:
    """Everything is made from the seed, but for times and ids."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self._settings, self._seed = settings, seed
        self._source = Path(settings.source)

    def build(self, *, folder: str | None, tasks: int, rows: int, pending: bool) -> None:
        """Of the manifests in a folder; without one of the shipped examples, and of a type with a history."""
        from reconciler.database.connection import connect

        if folder is None:
            self._write_examples()
            self._stage(0)
        else:
            shutil.copytree(folder, self._source, dirs_exist_ok=True)
        types = self._apply("the beginning")
        with connect(self._settings.database) as connection:
            self._insert_rows(connection, types, rows)
            self._submit(connection, types, tasks)
        worker_of(self._settings, self._seed, thinking=0).run("idle")
        if folder is None:
            self._stage(1)
            self._apply("references are kept elsewhere now")
            if pending:
                self._stage(2)

    def _write_examples(self) -> None:
        from reconciler.cli.examples import ALL, example_files

        for name, content in example_files([ALL]).items():
            path = self._source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def _stage(self, number: int) -> None:
        version, extra = _STAGES[number]
        path = self._source / "feedback" / "type.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(_FEEDBACK.format(version=version, extra=extra), encoding="utf-8")

    def _apply(self, reason: str) -> list[AgentType]:
        """The types that are live then. Hazards are let through: nobody's rows are at stake."""
        from reconciler.bootstrap import open_reconciler
        from reconciler.plans.hazards import ALLOWABLE

        with open_reconciler(self._settings, create=True) as reconciler:
            plan = reconciler.plan()
            reconciler.apply(plan, allow=sorted(ALLOWABLE), reason=reason, actor="dev server")
            state = reconciler.desired()
        names = sorted(a.removeprefix("type/") for a in state.entries if a.startswith("type/"))
        return [found for name in names if (found := state.agent_type(name)) is not None]

    def _insert_rows(self, connection: Connection, types: Iterable[AgentType], count: int) -> None:
        from reconciler.bootstrap import open_cipher
        from reconciler.database.rows.transfer import TableTransfer
        from reconciler.spec.tables import table_of

        agents = self._agents()
        cipher = open_cipher(self._settings)
        for agent_type in types:
            for model, spec in agent_type.spec.models.items():
                owners = agents.get(agent_type.name, [])
                if not owners or any(field.model for field in spec.fields.values()):
                    continue  # rows that point at others come of tasks
                made = _as_far_as_possible(partial(self._rows_of, agent_type, model), count)
                random = Random(f"{self._seed}/{agent_type.name}/{model}")
                table = TableTransfer(
                    table_of(agent_type.name, model, spec), connection.dialect, cipher=cipher
                )
                with connection.transaction():
                    table.insert(connection, [_dated(row, owners, random) for row in made])

    def _rows_of(self, agent_type: AgentType, model: str, count: int) -> list[dict[str, Any]]:
        from reconciler.documentation.mock.rows import mock_rows

        return mock_rows(agent_type, model, count, self._seed)

    def _inputs_of(self, agent_type: AgentType, count: int) -> list[dict[str, Any]]:
        from reconciler.documentation.mock.objects import mock_inputs

        return mock_inputs(agent_type, count, self._seed)

    def _agents(self) -> Mapping[str, list[str]]:
        """Names of agents by their type."""
        from reconciler.bootstrap import load_manifests

        state = load_manifests(self._settings).state
        found: dict[str, list[str]] = {}
        for address in state.entries:
            kind, _, name = address.partition("/")
            agent = state.agent(name) if kind == "agent" else None
            if agent is not None:
                found.setdefault(agent.spec.type, []).append(name)
        return found

    def _submit(self, connection: Connection, types: Iterable[AgentType], count: int) -> None:
        from reconciler.bootstrap import task_queue

        agents, queue = self._agents(), task_queue(connection, self._settings)
        for agent_type in types:
            for name in agents.get(agent_type.name, []):
                inputs = _as_far_as_possible(partial(self._inputs_of, agent_type), count)
                for given in inputs:
                    queue.submit(name, given, max_attempts=1, origin="api", actor="dev server")


def worker_of(settings: Settings, seed: int, *, thinking: float = THINKING) -> Worker:
    """Runs tasks in this process, with a language model that makes its answers up and a network that reaches nobody."""
    from reconciler.bootstrap import open_cipher
    from reconciler.database.connection import connect
    from reconciler.execution.inline import InlineExecutor
    from reconciler.execution.program import Program
    from reconciler.execution.worker import Worker

    model = ScriptedModel(answer=_Answers(seed, thinking))

    def executor(host: Callable[[], Host]) -> Executor:
        from reconciler.bootstrap import agent_factory

        return InlineExecutor(Program(agent_factory(), model, NobodyThere()), host)

    return Worker(
        lambda: connect(settings.database, create=False, lock_timeout=settings.lock_timeout),
        executor,
        kind="inline",
        cipher=open_cipher(settings),
    )


class NobodyThere(Network):
    """Every host is down."""

    def connect(self, host: str, port: int, granted: Sequence[str], *, timeout: float) -> socket.socket:
        raise Unavailable(f"a development server reaches nobody, and so not {host}:{port}")


class _Answers:
    """What the language model says: values that the schema of the answer accepts, and after a moment."""

    def __init__(self, seed: int, thinking: float) -> None:
        self._random, self._thinking = Random(seed), thinking

    def __call__(self, request: ChatRequest) -> str | dict[str, Any]:
        time.sleep(self._thinking)
        if request.schema is None:
            return "As a stand-in for a language model I have no opinion, but I have read it all."
        value = self._value(request.schema)
        return value if isinstance(value, dict) else str(value)

    def _value(self, schema: Mapping[str, Any]) -> Any:
        if "anyOf" in schema:
            return self._value(next((one for one in schema["anyOf"] if one.get("type") != "null"), {}))
        if schema.get("enum"):
            return self._random.choice(list(schema["enum"]))
        match schema.get("type"):
            case "object":
                return {name: self._value(one) for name, one in schema.get("properties", {}).items()}
            case "array":
                return [self._value(schema.get("items", {})) for _ in range(schema.get("minItems", 1))]
            case "integer":
                least = int(schema.get("minimum", 0))
                return self._random.randint(least, int(min(schema.get("maximum", least + 10), least + 10)))
            case "number":
                return float(schema.get("minimum", 0.5))
            case "boolean":
                return self._random.random() < 0.5
            case _:
                text = self._random.choice(_SENTENCES)
                return text[: int(schema.get("maxLength", 200))].ljust(int(schema.get("minLength", 0)), ".")


_SENTENCES = (
    "The customer asks for a refund of the last invoice.",
    "The application closes whenever a file is opened.",
    "Somebody would like to know what a larger plan costs.",
    "All is well; they only wanted to say thanks.",
)


def _as_far_as_possible(make: Callable[[int], list[dict[str, Any]]], count: int) -> list[dict[str, Any]]:
    """As many as there are: unique fields or checks may not leave room for all that were asked for."""
    while count:
        try:
            return make(count)
        except ReconcilerError:
            count //= 2
    return []


def _dated(row: Mapping[str, Any], agents: Sequence[str], random: Random) -> dict[str, Any]:
    """A row of one of these agents, of no task, written within the last days."""
    at = datetime.now(UTC) - timedelta(seconds=random.randrange(DAYS * 86_400))
    return {
        **row,
        "task_id": None,
        "agent": random.choice(agents),
        "created_at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }

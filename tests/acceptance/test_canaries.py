"""A canary in every place where a secret can be: it sings nowhere else."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest

from reconciler.database.encryption import generate
from tests.acceptance.command_line import CommandLine, Run

CANARY = "canary"
"""Part of every secret here, and of nothing else."""

TYPE = """
apiVersion: reconciler/v1
kind: AgentType
metadata: {name: letters}
spec:
  version: VERSION
  acknowledge: [lethal-combination]
  settings: {account: {type: string, sensitive: true, required: true}, greeting: {type: string, default: Hi}}
  secrets: [smtp_password, smtp_token]
  input:
    text: {type: text, required: true, sensitive: true}
    number: {type: integer, required: true}
  models:
    letter:
      fields:
        text: {type: text, encrypted: true}
        number: {type: integer, required: true, min: 1}
  output: {model: letter, from: save}
  tools:
    - {name: email_connector, hosts: [127.0.0.1], recipients: ["*@example.com"]}
    - {name: database_writer, models: [letter]}
  pipeline:
    - id: save
      tool: database_writer
      with: {model: letter, mode: insert, values: {text: "{{ input.text }}", number: "{{ input.number }}"}}
    - id: mail
      tool: email_connector
      with:
        host: 127.0.0.1
        port: PORT
        username: "{{ settings.account }}"
        password_secret: smtp_password
        from: a@example.com
        to: b@example.com
        subject: "{{ settings.greeting }}"
        text: "{{ input.text }}"
      on_error: continue
"""
AGENT = """
apiVersion: reconciler/v1
kind: Agent
metadata: {name: letters}
spec:
  type: letters
  settings: {account: ACCOUNT}
  secrets: {smtp_password: {env: SMTP_PASSWORD}, smtp_token: {file: TOKEN_FILE}}
"""


class Birdhouse:
    """A command line whose environment, files, manifests and tasks are full of canaries."""

    def __init__(self, folder: Path) -> None:
        key = folder / "keys"
        key.write_text(generate("k1"))
        token = folder / "token"
        token.write_text(f"{CANARY}-token")
        self.key = key.read_text().partition(":")[2].strip()
        self.run = CommandLine(
            folder,
            SMTP_PASSWORD=f"{CANARY}-password",
            RECONCILER_GIT_TOKEN=f"{CANARY}-git",
            RECONCILER_ENCRYPTION_KEYS_FILE=str(key),
            RECONCILER_OLLAMA_URL=f"http://ann:{CANARY}-ollama@127.0.0.1:9",
            RECONCILER_LOG_FORMAT="json",
        )
        self.heard: list[Run] = []
        self.write("1.0.0", f"{CANARY}-account")

    def write(self, version: str, account: str) -> None:
        token = str(self.run.folder / "token")
        self.run.write("agents.d/type.yaml", TYPE.replace("VERSION", version).replace("PORT", "9"))
        self.run.write("agents.d/agent.yaml", AGENT.replace("ACCOUNT", account).replace("TOKEN_FILE", token))

    def say(self, *arguments: str) -> Run:
        run = self.run(*arguments)
        self.heard.append(run)
        return run

    def given(self, number: int) -> str:
        return json.dumps({"text": f"{CANARY} in a letter", "number": number})


@pytest.fixture
def birdhouse(tmp_path: Path) -> Birdhouse:
    return Birdhouse(tmp_path)


def quiet(birdhouse: Birdhouse) -> None:
    for run in birdhouse.heard:
        assert CANARY not in run.out, run.out
        assert CANARY not in run.err, run.err
        assert birdhouse.key not in run.out + run.err


def test_no_command_says_a_secret(birdhouse: Birdhouse) -> None:
    say = birdhouse.say
    for command in (["--plan"], ["--plan", "--json"], ["--plan", "--format", "github"], ["--plan", "--sql"]):
        assert say(*command).code == 0
    assert say("--apply", "--yes").code == 0
    say("run", "letters", "--trace", "--input", birdhouse.given(1))
    assert say("run", "letters", "--trace", "--input", birdhouse.given(0)).code == 8
    task = say("tasks", "submit", "letters", "--input", birdhouse.given(2)).last
    say("tasks", "show", task)
    assert say("worker", "--until-idle", "--no-scheduler").code == 0
    say("tasks", "show", task, "--json")
    say("tasks", "list", "--json")
    say("incidents", "--json")
    say("agents", "show", "letters", "--json")
    say("status", "--json")
    say("doctor", "--json")
    say("keys", "rotate", "--json")
    birdhouse.write("1.0.1", f"{CANARY}-other-account")
    say("--plan")
    say("--plan", "--json")
    say("--apply", "--yes", "--json")
    say("show", "2", "--json")
    say("history", "--json")
    quiet(birdhouse)
    assert say("results", "letters", "--json").out.count(CANARY) == 2, (
        "whoever has the key is shown what it opens"
    )


def test_without_the_key_rows_are_exported_without_what_is_encrypted(birdhouse: Birdhouse) -> None:
    birdhouse.say("--apply", "--yes")
    birdhouse.say("run", "letters", "--input", birdhouse.given(1))
    del birdhouse.run.environment["RECONCILER_ENCRYPTION_KEYS_FILE"]
    for form in ("csv", "jsonl"):
        assert birdhouse.say("results", "letters", "--format", form).out
    birdhouse.say("results", "letters", "--fields", "text")
    quiet(birdhouse)


def test_the_database_holds_no_secret_in_the_clear(birdhouse: Birdhouse) -> None:
    """But the sensitive settings that manifests give: what a manifest says, its readers know."""
    birdhouse.write("1.0.0", "somebody")
    birdhouse.say("--apply", "--yes")
    for number in (0, 1):
        birdhouse.say("run", "letters", "--input", birdhouse.given(number))
    birdhouse.say("tasks", "submit", "letters", "--input", birdhouse.given(2))
    waiting = dump(birdhouse)
    birdhouse.say("worker", "--until-idle", "--no-scheduler")
    for text in (waiting, dump(birdhouse)):
        assert CANARY not in text
        assert birdhouse.key not in text
    quiet(birdhouse)


def dump(birdhouse: Birdhouse) -> str:
    with sqlite3.connect(birdhouse.run.folder / "reconciler.db") as connection:
        text = "\n".join(connection.iterdump())
    files = [*birdhouse.run.folder.glob("reconciler.db*"), *(birdhouse.run.folder / ".cache").rglob("*")]
    raw = b"".join(path.read_bytes() for path in files if path.is_file())
    return text + raw.decode("latin-1")


def test_keys_that_make_no_sense_are_not_quoted(birdhouse: Birdhouse) -> None:
    del birdhouse.run.environment["RECONCILER_ENCRYPTION_KEYS_FILE"]
    birdhouse.run.environment["RECONCILER_ENCRYPTION_KEYS"] = f"k1:{CANARY}"
    assert birdhouse.say("keys", "rotate").code != 0
    assert birdhouse.say("doctor").code != 0
    birdhouse.run.environment["RECONCILER_DATABASE_URL"] = f"postgresql://ann:{CANARY}@127.0.0.1:1/x"
    birdhouse.say("status")
    birdhouse.say("doctor")
    quiet(birdhouse)
    assert os.environ.get("RECONCILER_ENCRYPTION_KEYS") is None

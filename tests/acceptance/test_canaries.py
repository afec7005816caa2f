"""A canary in every place where a secret can be: it sings nowhere else, on either database."""

from __future__ import annotations

import gzip
import json
import os
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest

from reconciler.database.encryption import generate
from tests.acceptance.command_line import PROGRAM, CommandLine, Run

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

    def __init__(self, folder: Path, database: str) -> None:
        self.database = database
        key = folder / "keys"
        key.write_text(generate("k1"))
        token = folder / "token"
        token.write_text(f"{CANARY}-token")
        self.key = key.read_text().partition(":")[2].strip()
        self.run = CommandLine(
            folder,
            SMTP_PASSWORD=f"{CANARY}-password",
            RECONCILER_DATABASE_URL=database,
            RECONCILER_API_PEPPER=f"{CANARY}-pepper-0123456789abcdef0123456789abcdef",
            RECONCILER_API_WEBHOOK_SECRET=f"{CANARY}-webhook-0123456789",
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

    @contextmanager
    def served(self) -> Iterator[str]:
        """The address of a server with a worker; what it logs is heard."""
        log = self.run.folder.parent / "serve.log"
        with log.open("w") as output:
            command = [PROGRAM, "serve", "--port", "0", "--worker"]
            process = subprocess.Popen(
                command,
                cwd=self.run.folder,
                env=self.run.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield _address(log, process)
        finally:
            process.terminate()
            process.wait(timeout=30)
            self.heard.append(Run(process.returncode, log.read_text(), ""))

    def dump(self) -> str:
        """All that is in the database and in the files beside it."""
        if self.database.startswith("sqlite"):
            with sqlite3.connect(self.database.removeprefix("sqlite:///")) as connection:
                text = "\n".join(connection.iterdump())
            stored = [*Path(self.database.removeprefix("sqlite:///")).parent.glob("*.db*")]
        else:
            dumped = subprocess.run(["pg_dump", "--inserts", self.database], capture_output=True, check=True)
            text, stored = dumped.stdout.decode(), []
        files = [*stored, *(self.run.folder / ".cache").rglob("*")]
        raw = b"".join(path.read_bytes() for path in files if path.is_file())
        return text + raw.decode("latin-1")


@pytest.fixture
def birdhouse(tmp_path: Path, database_url: str) -> Birdhouse:
    folder = tmp_path / "house"
    folder.mkdir()
    return Birdhouse(folder, database_url)


def _address(log: Path, process: subprocess.Popen[bytes]) -> str:
    until = monotonic() + 60
    while monotonic() < until and process.poll() is None:
        if "startup complete" in (text := log.read_text()) and (found := re.search(r"http://[^,\s]+", text)):
            return found[0]
        sleep(0.05)
    raise AssertionError(log.read_text())


def quiet(birdhouse: Birdhouse) -> None:
    for run in birdhouse.heard:
        silent(birdhouse, run.out, run.err)


def silent(birdhouse: Birdhouse, *texts: str) -> None:
    for text in texts:
        assert CANARY not in text, text
        assert birdhouse.key not in text


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
    waiting = birdhouse.dump()
    birdhouse.say("worker", "--until-idle", "--no-scheduler")
    silent(birdhouse, waiting, birdhouse.dump())
    quiet(birdhouse)


def test_no_export_holds_one_unless_it_was_asked_to(birdhouse: Birdhouse) -> None:
    birdhouse.write("1.0.0", "somebody")
    birdhouse.say("--apply", "--yes")
    birdhouse.say("run", "letters", "--input", birdhouse.given(1))
    assert birdhouse.say("export", "--all", "--tasks", "--out", "whole.tar.gz").code == 0
    silent(birdhouse, gzip.decompress((birdhouse.run.folder / "whole.tar.gz").read_bytes()).decode("latin-1"))
    quiet(birdhouse)
    asked = ("--tasks", "--decrypt", "--include-sensitive", "--out", "asked.tar.gz")
    assert birdhouse.say("export", "--all", *asked).code == 0
    opened = gzip.decompress((birdhouse.run.folder / "asked.tar.gz").read_bytes())
    assert f"{CANARY} in a letter".encode() in opened


def test_no_document_collection_or_client_holds_one(birdhouse: Birdhouse) -> None:
    birdhouse.say("--apply", "--yes")
    birdhouse.say("run", "letters", "--input", birdhouse.given(1))
    say = birdhouse.say
    assert say("docs", "show").code == 0
    assert say("docs", "show", "letters").code == 0
    assert say("docs", "build", "--out", "site").code == 0
    for form in ("postman", "insomnia"):
        assert say("docs", "collection", form).code == 0
    assert say("sdk", "typescript", "--out", "client").code == 0
    written = [
        path
        for name in ("site", "client")
        for path in (birdhouse.run.folder / name).rglob("*")
        if path.is_file()
    ]
    assert len(written) > 10
    silent(birdhouse, *(path.read_bytes().decode("latin-1") for path in written))
    quiet(birdhouse)


def test_no_answer_of_the_api_holds_one(birdhouse: Birdhouse) -> None:
    """Every question that its document has, asked with all that it could be asked about, by a viewer and by an
    administrator: metrics and pages are among them."""
    birdhouse.write("1.0.0", "somebody")
    birdhouse.say("--apply", "--yes")
    viewer, admin = (
        birdhouse.say("keys", "create", role, "--role", role).last for role in ("viewer", "admin")
    )
    birdhouse.say("run", "letters", "--input", birdhouse.given(0))
    birdhouse.say("incidents", "--json")
    with birdhouse.served() as url, httpx.Client(base_url=url, timeout=30.0) as client:
        as_admin = {"Authorization": f"Bearer {admin}"}
        given = {"input": json.loads(birdhouse.given(1))}
        sent = client.post("/api/v1/agents/letters/tasks", json=given, headers=as_admin)
        assert sent.status_code == 202, sent.text
        task = sent.json()["id"]
        unfit = {"input": {"text": [f"{CANARY} in a letter"], "number": 0}}
        refused = client.post("/api/v1/agents/letters/tasks", json=unfit, headers=as_admin)
        assert refused.status_code == 422
        silent(birdhouse, sent.text, refused.text)
        until = monotonic() + 30
        while client.get(f"/api/v1/tasks/{task}", headers=as_admin).json()["state"] in ("pending", "running"):
            assert monotonic() < until
            sleep(0.1)
        document = client.get("/api/v1/openapi.json", headers=as_admin).json()
        answered: set[str] = set()
        for path, key in product(_questions(document, task), (viewer, admin)):
            found = client.get(path, headers={"Authorization": f"Bearer {key}"})
            assert found.status_code < 500, (path, found.text)
            if found.status_code == 200:
                answered.add(path.partition("?")[0])
            silent(birdhouse, found.text, str(found.headers))
    assert len(answered) > 25, answered
    assert any("metrics" in path for path in answered)
    quiet(birdhouse)


def _questions(document: dict[str, object], task: str) -> list[str]:
    """All addresses to get, with the names of what there is. Those that go on answering are left out."""
    meant = {"name": "letters", "agent": "letters", "type": "letters", "type_name": "letters"}
    meant |= {"task_id": task, "kind": "type", "model": "letter", "table": "letter"}
    paths: dict[str, dict[str, object]] = document["paths"]  # type: ignore[assignment]
    asked = []
    for path, operations in paths.items():
        if "get" in operations and not re.search("stream|events|watch", path):
            asked.append(re.sub(r"\{([^}:]+)[^}]*\}", lambda part: meant.get(part[1], "1"), path))
    return asked


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

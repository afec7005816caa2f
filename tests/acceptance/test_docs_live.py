"""What documents show, done: every example and every request of the collections, against a server with a worker."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from reconciler.documentation.calls import KEY_VARIABLE
from reconciler.documentation.generator import DocumentationGenerator
from reconciler.documentation.insomnia import insomnia_collection
from reconciler.documentation.postman import postman_collection
from tests.acceptance.api_process import announced
from tests.acceptance.command_line import PROGRAM, CommandLine
from tests.unit.documentation.hostile import SHIPPED, shipped
from tests.unit.documentation.node import NEWMAN, Node, node_with_packages

TYPES = sorted(address.removeprefix("type/") for address in shipped().entries if address.startswith("type/"))


@dataclass(frozen=True)
class Served:
    base_url: str
    key: str
    folder: Path
    environment: dict[str, str]

    def generator(self) -> DocumentationGenerator:
        return DocumentationGenerator(shipped(), base_url=self.base_url)

    def run(self, *command: str, folder: Path | None = None) -> str:
        done = subprocess.run(
            command,
            cwd=folder or self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(SHIPPED, folder / "agents.d")
    line = CommandLine(folder, RECONCILER_OLLAMA_URL="http://127.0.0.1:9", RECONCILER_TASK_POLL="0.1")
    applied = line("--apply", "--yes")
    assert applied.code == 0, applied.err
    log = folder / "serve.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [PROGRAM, "serve", "--port", "0", "--worker"],
            cwd=folder,
            env=line.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        base_url, key = announced(log, process)
        environment = line.environment | {
            KEY_VARIABLE: key,
            "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}",
        }
        yield Served(base_url, key, folder, environment)
    finally:
        process.terminate()
        process.wait(timeout=30)


def examples(served: Served, name: str) -> Mapping[str, str]:
    found: Mapping[str, str] = served.generator().type(name).data["examples"]
    return found


@pytest.mark.parametrize("name", TYPES)
def test_the_example_for_the_command_line_runs(served: Served, name: str) -> None:
    out = served.run("bash", "-euc", examples(served, name)["command line"])
    assert json.loads(out.splitlines()[-1])["type_version"]


@pytest.mark.parametrize("name", TYPES)
def test_the_example_for_curl_runs(served: Served, name: str) -> None:
    script = examples(served, name)["curl"].replace("curl ", "curl --fail-with-body -w '\\n' ")
    submitted, rows = served.run("bash", "-euc", script).strip().splitlines()
    assert json.loads(submitted)["state"] == "pending"
    assert "items" in json.loads(rows)


@pytest.mark.parametrize("name", TYPES)
def test_the_example_in_python_runs(served: Served, name: str) -> None:
    out = served.run(sys.executable, "-c", examples(served, name)["python"])
    assert "'created': True" in out


@pytest.fixture(scope="module")
def project(
    served: Served, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Node, Path]:
    """A folder in which the package of the served types is installed, built."""
    node = node_with_packages(Path(request.config.cache.mkdir("typescript")))  # type: ignore[union-attr]
    folder = tmp_path_factory.mktemp("project")
    sdk, modules = folder / "sdk", folder / "node_modules"
    served.run(str(PROGRAM), "sdk", "typescript", "--out", str(sdk))
    node.write(sdk, {})
    assert node.compile(sdk) == ""
    modules.mkdir()
    (modules / "reconciler-sdk").symlink_to(sdk)
    (modules / "@types").symlink_to(node.modules / "@types")
    (folder / "package.json").write_text('{"type": "module"}')
    return node, folder


def test_the_examples_in_typescript_compile_and_run(served: Served, project: tuple[Node, Path]) -> None:
    node, folder = project
    options = {
        "strict": True,
        "module": "NodeNext",
        "target": "ES2022",
        "types": ["node"],
        "skipLibCheck": True,
    }
    sources = [f"{name}.mts" for name in TYPES]
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": sources}))
    for name in TYPES:
        (folder / f"{name}.mts").write_text(examples(served, name)["typescript"])
    assert node.compile(folder) == ""
    for name in TYPES:
        assert served.run("node", f"{name}.mjs", folder=folder).startswith("succeeded"), name


def test_the_client_speaks_with_the_server_as_with_its_mocks(
    served: Served, project: tuple[Node, Path]
) -> None:
    _, folder = project
    (folder / "walk.mjs").write_text(_WALK.replace("BASE_URL", served.base_url))
    told = json.loads(served.run("node", "walk.mjs", folder=folder))
    assert told == {
        "end": "succeeded",
        "steps": ["split", "label", "save"],
        "topics": ["bug"],
        "twice": False,
        "refusals": ["invalid_input", "not-found", "unauthenticated"],
    }


_WALK = """\
import { createClient } from "reconciler-sdk";
import { rowValidators } from "reconciler-sdk/validators";
const client = createClient({ baseUrl: "BASE_URL", apiKey: process.env.RECONCILER_API_KEY });
const agent = "text-processing-demo";
const input = { text: "It crashed with an error", source: "walk" };
const task = await client.submitTask("text-processing", agent, input, { idempotencyKey: "walk-1" });
const again = await client.submitTask("text-processing", agent, input, { idempotencyKey: "walk-1" });
let last;
for await (const now of client.followTask("text-processing", task.id)) last = now;
const topics = new Set();
const query = { filter: { source: "walk", chunk_count: { ge: 1 } }, sort: ["-id"], limit: 1 };
for await (const row of client.allResults("text-processing", agent, "document", query)) {
  rowValidators["text-processing"].document.parse(row);
  topics.add(row.topic);
}
const refusal = (promise) => promise.then(() => "none", (error) => error.code);
console.log(JSON.stringify({
  end: last.state,
  steps: last.trace.map((step) => step.step),
  topics: [...topics],
  twice: again.id !== task.id,
  refusals: [
    await refusal(client.submitTask("text-processing", agent, { text: "" })),
    await refusal(client.submitTask("text-processing", "nobody", input)),
    await refusal(createClient({ baseUrl: "BASE_URL" }).submitTask("text-processing", agent, input)),
  ],
}));
"""


def test_every_request_of_the_postman_collection_is_answered_as_documented(served: Served) -> None:
    collection = _collection(served)
    variables = {entry["key"]: entry["value"] for entry in collection["variable"]} | {"api_key": served.key}
    seen = 0
    for folder in collection["item"]:
        for item in folder["item"]:
            answer = _sent(item["request"], variables)
            script = "\n".join(item["event"][0]["script"]["exec"])
            wanted = re.search(r"to\.have\.status\((\d+)\)", script)
            assert wanted is not None
            assert answer.status_code == int(wanted[1]), f"{item['name']} {answer.text}"
            if "pm.collectionVariables.set" in script:
                variables["task_id"] = answer.json()["id"]
            seen += 1
    assert seen > 30


def test_newman_runs_the_collection(served: Served, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    node = node_with_packages(Path(request.config.cache.mkdir("newman")), NEWMAN)  # type: ignore[union-attr]
    (tmp_path / "collection.json").write_text(json.dumps(_collection(served)))
    program = str(node.modules / "newman/bin/newman.js")
    out = served.run(
        "node", program, "run", "collection.json", "--env-var", f"api_key={served.key}", folder=tmp_path
    )
    assert re.search(r"assertions\s*│\s*\d{2}\s*│\s*0\s*│", out), out


def test_both_collections_hold_the_same_requests(served: Served) -> None:
    generator = served.generator()
    postman = _collection(served)
    insomnia = yaml.safe_load(insomnia_collection(generator.types(), generator.agents(), served.base_url))
    of_postman = [(i["name"], i["request"]["method"]) for folder in postman["item"] for i in folder["item"]]
    of_insomnia = [(r["name"], r["method"]) for folder in insomnia["collection"] for r in folder["children"]]
    assert of_postman == of_insomnia


def _collection(served: Served) -> dict[str, Any]:
    generator = served.generator()
    return postman_collection(generator.types(), generator.agents(), served.base_url)


def _sent(request: dict[str, Any], variables: Mapping[str, str]) -> httpx.Response:
    def filled(text: str) -> str:
        return re.sub(r"\{\{(\w+)\}\}", lambda found: variables[found[1]], text)

    headers = {entry["key"]: filled(entry["value"]) for entry in request["header"]}
    if request.get("auth", {}).get("type") != "noauth":
        headers["Authorization"] = f"Bearer {variables['api_key']}"
    body = filled(request["body"]["raw"]) if "body" in request else None
    return httpx.request(request["method"], filled(request["url"]["raw"]), headers=headers, content=body)

"""The generated package: it compiles strictly, its zod agrees with the server's rules, its client does what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.sdk import FRONTEND, sdk_package
from reconciler.documentation.mock.objects import invalid_objects, mock_inputs
from reconciler.documentation.mock.rows import mock_rows
from reconciler.documentation.typescript.naming import pascal
from reconciler.documentation.typescript.package import INSTANCE
from reconciler.spec.agent_type import AgentType
from reconciler.spec.field_schema import portable_pattern
from reconciler.spec.fields import Fields
from tests.unit.documentation.hostile import ATTACKS, SECRET, hostile_type, shipped_types
from tests.unit.documentation.node import Node, node_with_packages
from tests.unit.documentation.random_types import random_type

pytestmark = pytest.mark.xdist_group("node")
RANDOM = [random_type(seed) for seed in range(30)]


@pytest.fixture(scope="session")
def node(request: pytest.FixtureRequest) -> Node:
    return node_with_packages(Path(request.config.cache.mkdir("typescript")))  # type: ignore[union-attr]


@pytest.fixture(scope="session")
def shipped_package(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built, with its types as others see them."""
    folder = tmp_path_factory.mktemp("sdk")
    node.write(folder, sdk_package(shipped_types(), "0.1.0"))
    assert node.compile(folder) == ""
    return folder


def test_a_package_is_always_the_same() -> None:
    assert sdk_package(RANDOM, "0.1.0") == sdk_package(RANDOM, "0.1.0")


def test_a_package_is_the_frontend_package_with_the_types_in_it() -> None:
    made = sdk_package(RANDOM, "0.1.0")
    for path in (FRONTEND / "src").rglob("*.*"):
        name = path.relative_to(FRONTEND).as_posix()
        assert (made[name] == path.read_text("utf-8")) is not name.startswith(INSTANCE), name


def test_no_type_is_called_as_something_of_the_api_is() -> None:
    """Both are exported from one module."""
    exported = re.findall(r"^export (?:type|interface) (\w+)", _generated("types.gen.ts"), re.MULTILINE)
    assert exported
    assert [name for name in exported if re.search(r"(Input|Settings|Output|_\w+Row)$", name)] == []


def _generated(name: str) -> str:
    return (FRONTEND / "src" / "generated" / name).read_text("utf-8")


def test_names_of_types_and_models_never_meet() -> None:
    names = ["a-b", "ab", "a-1", "a1", "a1-b", "a1b", "a-b1", "a-b-1"]
    assert len({pascal(name) for name in names}) == len(names)


def test_the_package_holds_nothing_sensitive() -> None:
    assert SECRET not in str(sdk_package([hostile_type("x")], "0.1.0"))


def test_packages_of_random_and_hostile_types_compile_and_their_zod_agrees_with_the_rules(
    node: Node, tmp_path: Path
) -> None:
    types = [*shipped_types(), *RANDOM]
    assert _compiled_types(node, tmp_path, [*types, *_hostile_types()]) == ""
    cases = [case for found in types for case in _cases(found)]
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    (tmp_path / "check.mjs").write_text(_CHECK)
    verdicts = json.loads(node.run(tmp_path, "check.mjs"))
    wrong = [
        (case, told) for case, told in zip(cases, verdicts, strict=True) if case["valid"] != (told == "")
    ]
    assert wrong == []
    assert sum(case["valid"] for case in cases) > 500
    assert sum(not case["valid"] for case in cases) > 500


def _hostile_types() -> Iterator[AgentType]:
    for number, attack in enumerate(ATTACKS):
        found = hostile_type(attack)
        metadata = found.metadata.model_copy(update={"name": f"hostile-{number}"})
        yield found.model_copy(update={"metadata": metadata})


def _compiled_types(node: Node, folder: Path, types: list[AgentType]) -> str:
    """What the compiler says of what is made of the types; the rest of the package is the same for all."""
    config = {"extends": "./tsconfig.json", "include": [f"{INSTANCE}*"]}
    node.write(folder, sdk_package(types, "0.1.0") | {"types.json": json.dumps(config)})
    return node.compile(folder, "-p", "types.json")


_CHECK = """\
import { readFileSync } from "node:fs";
import { inputValidators, rowValidators } from "./dist/instance/validators.js";
const cases = JSON.parse(readFileSync("cases.json", "utf8"));
const verdicts = cases.map(({ type, model, value }) => {
  const validator = model === null ? inputValidators[type] : rowValidators[type][model];
  const found = validator.safeParse(value);
  return found.success ? "" : found.error.issues.map((issue) => `${issue.path}: ${issue.message}`).join("; ");
});
console.log(JSON.stringify(verdicts));
"""


def _cases(found: AgentType) -> Iterator[dict[str, Any]]:
    """Inputs and rows that fit, and those that do not, as far as JavaScript can tell."""
    spec = found.spec
    for value in mock_inputs(found, 8, seed=3):
        yield {"type": found.name, "model": None, "value": value, "valid": True}
    for model, inner in spec.models.items():
        rows = mock_rows(found, model, 8, seed=3)
        for row in rows:
            yield {"type": found.name, "model": model, "value": row, "valid": True}
        for value in _told_apart(inner.fields, seed=3, strict=False):
            yield {"type": found.name, "model": model, "value": rows[0] | value, "valid": False}
    for value in _told_apart(spec.input, seed=3, strict=True):
        yield {"type": found.name, "model": None, "value": value, "valid": False}


def _told_apart(fields: Fields, *, seed: int, strict: bool) -> Iterator[dict[str, Any]]:
    """Without those that only the server can tell from sound ones: a pattern that JavaScript does not read, a field
    that was left out of a row that has it, and one too many in a row of a server that knows more."""
    for value in invalid_objects(fields, seed):
        beyond = any(f.pattern is not None and portable_pattern(f.pattern) is None for f in fields.values())
        if not beyond and (strict or set(value) == set(fields)):
            yield value


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_of_a_manifest_leaves_its_comment_or_literal(attack: str) -> None:
    files, tame = (sdk_package([hostile_type(text)], "0.1.0") for text in (attack, "harmless"))
    for name in ("types", "validators", "schemas", "fixtures"):
        made, harmless = (found[f"{INSTANCE}{name}.ts"] for found in (files, tame))
        assert len(made.splitlines()) == len(harmless.splitlines()), name
        assert "</script" not in made


_USER = """\
import { createClient, type Pinned } from "../dist/index.js";
const client = createClient({ baseUrl: "http://127.0.0.1:1" });
export type Checked = Pinned<"text-processing", "1.0.0">;
const task = await client.runTask("text-processing", "demo", { text: "Hello" });
export const topic: "billing" | "bug" | "praise" | "other" | undefined = task.output?.topic;
for await (const row of client.allResults("text-processing", "demo", "document", { sort: ["-chunk_count"] })) {
  console.log(row.chunk_count + row.id);
}
"""
MISTAKES = {
    "a version that is no longer there": ('"1.0.0"', '"0.9.0"'),
    "an input that is missing": ('{ text: "Hello" }', "{}"),
    "an input of another type": ('text: "Hello"', "text: 1"),
    "an input that nobody declared": ('text: "Hello"', 'text: "Hello", txt: "x"'),
    "a type that is not there": ('runTask("text-processing"', 'runTask("text-procesing"'),
    "a model that is not there": ('"document"', '"documents"'),
    "a field that is not there": ("row.chunk_count", "row.chunks"),
    "a value that is no longer there": ('"praise" | ', ""),
}


@pytest.fixture(scope="session")
def complaints(node: Node, shipped_package: Path) -> dict[str, str]:
    """What the compiler says of a user of the package, and of the same one with each of the mistakes in it."""
    users = {"right": _USER} | {
        f"mistake{number}": _USER.replace(*MISTAKES[mistake]) for number, mistake in enumerate(MISTAKES)
    }
    node.write(shipped_package, {f"users/{name}.ts": text for name, text in users.items()})
    options = {"noEmit": True, "rootDir": ".", "types": ["node"]}
    config = {"extends": "./tsconfig.json", "include": ["users"], "compilerOptions": options}
    node.write(shipped_package, {"users.json": json.dumps(config)})
    told = node.compile(shipped_package, "-p", "users.json").splitlines()
    return {name: "\n".join(line for line in told if f"/{name}.ts" in line) for name in users}


def test_a_user_of_the_package_compiles(complaints: dict[str, str]) -> None:
    assert complaints["right"] == ""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_has_changed_shows_as_a_compile_error(complaints: dict[str, str], mistake: str) -> None:
    assert MISTAKES[mistake][0] in _USER
    assert "error TS" in complaints[f"mistake{list(MISTAKES).index(mistake)}"]


def test_the_client_runs_tasks_follows_them_and_reads_results_from_the_mocks(
    node: Node, shipped_package: Path
) -> None:
    (shipped_package / "walk.mjs").write_text(_WALK)
    told = json.loads(node.run(shipped_package, "walk.mjs"))
    assert told == {
        "state": "succeeded",
        "topic": True,
        "live": ["running", "succeeded"],
        "rows": 5,
        "first": True,
        "refused": [422, "invalid_input"],
        "missing": [404, "not-found"],
        "authorization": "Bearer key",
        "query": "/api/v1/agents/dynamic/demo/results?model=document&filter%5Btopic%5D%5Beq%5D=bug"
        "&filter%5Bchunk_count%5D%5Bgt%5D=1&sort=-id&limit=2",
    }


_WALK = """\
import { setupServer } from "msw/node";
import { createClient, ApiError } from "./dist/index.js";
import { handlers } from "./dist/mocks.js";

const baseUrl = "http://127.0.0.1:9";
const server = setupServer(...handlers({ baseUrl, agents: { "text-processing": "demo" } }));
server.listen({ onUnhandledRequest: "error" });
let last;
const client = createClient({
  baseUrl,
  apiKey: async () => "key",
  fetch: (request) => {
    last = request;
    return fetch(request);
  },
});
const refusal = (promise) => promise.then(
  () => null,
  (error) => (error instanceof ApiError ? [error.status, error.code] : String(error)),
);
const task = await client.runTask("text-processing", "demo", { text: "Hello" });
const live = [];
for await (const event of client.followTask("text-processing", task.id)) live.push(event.state);
const rows = [];
for await (const row of client.allResults("text-processing", "demo", "document", { limit: 2 })) rows.push(row);
const found = await client.listResults("text-processing", "demo", "document", {
  filter: { topic: "bug", chunk_count: { gt: 1 } },
  sort: ["-id"],
  limit: 2,
});
console.log(JSON.stringify({
  state: task.state,
  topic: typeof task.output.topic === "string",
  live,
  rows: rows.length,
  first: found.items.length > 0 && found.items.every((row) => row.topic === "bug" && row.chunk_count > 1),
  refused: await refusal(client.runTask("text-processing", "demo", { text: "" })),
  missing: await refusal(client.runTask("text-processing", "nobody", { text: "x" })),
  authorization: last.headers.get("authorization"),
  query: await (async () => {
    await client.listResults("text-processing", "demo", "document", {
      filter: { topic: "bug", chunk_count: { gt: 1 } }, sort: ["-id"], limit: 2,
    });
    return last.url.replace(baseUrl, "");
  })(),
}));
server.close();
"""

"""The generated package: it compiles strictly, its zod agrees with the server's rules, its client does what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.documentation.mock.objects import invalid_objects, mock_inputs
from reconciler.documentation.mock.rows import mock_rows
from reconciler.documentation.typescript.naming import pascal
from reconciler.documentation.typescript.package import RUNTIME, typescript_package
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
    node.write(folder, typescript_package(shipped_types(), "0.1.0"))
    assert node.compile(folder) == ""
    return folder


def test_a_package_is_always_the_same() -> None:
    assert typescript_package(RANDOM, "0.1.0") == typescript_package(RANDOM, "0.1.0")


def test_every_file_of_the_runtime_is_in_the_package() -> None:
    folder = Path(typescript_package.__code__.co_filename).parent / "runtime"
    assert {path.name for path in folder.glob("*.ts")} == set(RUNTIME)


def test_names_of_types_and_models_never_meet() -> None:
    names = ["a-b", "ab", "a-1", "a1", "a1-b", "a1b", "a-b1", "a-b-1"]
    assert len({pascal(name) for name in names}) == len(names)


def test_the_package_holds_nothing_sensitive() -> None:
    assert SECRET not in str(typescript_package([hostile_type("x")], "0.1.0"))


def test_packages_of_random_types_compile_and_their_zod_agrees_with_the_rules(
    node: Node, tmp_path: Path
) -> None:
    types = [*shipped_types(), *RANDOM]
    node.write(tmp_path, typescript_package(types, "0.1.0"))
    assert node.compile(tmp_path) == ""
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


_CHECK = """\
import { readFileSync } from "node:fs";
import { inputValidators, rowValidators } from "./dist/validators.js";
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
    files, tame = (typescript_package([hostile_type(text)], "0.1.0") for text in (attack, "harmless"))
    for name in ("src/types.ts", "src/validators.ts", "src/fixtures.ts"):
        assert len(files[name].splitlines()) == len(tame[name].splitlines()), name
        assert "</script" not in files[name]


def test_packages_of_hostile_types_compile(node: Node, tmp_path: Path) -> None:
    types = []
    for number, attack in enumerate(ATTACKS):
        found = hostile_type(attack)
        metadata = found.metadata.model_copy(update={"name": f"hostile-{number}"})
        types.append(found.model_copy(update={"metadata": metadata}))
    node.write(tmp_path, typescript_package(types, "0.1.0"))
    assert node.compile(tmp_path, "--noEmit") == ""


_USER = """\
import { createClient, type Pinned } from "./src/index.js";
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


def test_a_user_of_the_package_compiles(node: Node, shipped_package: Path) -> None:
    assert _compiled_user(node, shipped_package, _USER) == ""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_has_changed_shows_as_a_compile_error(node: Node, shipped_package: Path, mistake: str) -> None:
    right, wrong = MISTAKES[mistake]
    assert right in _USER
    assert "error TS" in _compiled_user(node, shipped_package, _USER.replace(right, wrong))


def _compiled_user(node: Node, package: Path, source: str) -> str:
    (package / "user.ts").write_text(source)
    options = {"extends": "./tsconfig.json", "include": ["user.ts"]}
    options["compilerOptions"] = {"noEmit": True, "rootDir": ".", "types": ["node"]}  # type: ignore[assignment]
    (package / "user.json").write_text(json.dumps(options))
    return node.compile(package, "-p", "user.json")


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
        "first": 2,
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
  fetch: (url, init) => {
    last = { url, init };
    return fetch(url, init);
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
  first: found.items.length,
  refused: await refusal(client.runTask("text-processing", "demo", { text: "" })),
  missing: await refusal(client.runTask("text-processing", "nobody", { text: "x" })),
  authorization: new Headers(last.init.headers).get("authorization"),
  query: await (async () => {
    await client.listResults("text-processing", "demo", "document", {
      filter: { topic: "bug", chunk_count: { gt: 1 } }, sort: ["-id"], limit: 2,
    });
    return last.url.replace(baseUrl, "");
  })(),
}));
server.close();
"""


def test_hooks_and_components_work_against_the_mocks_and_are_accessible(
    node: Node, shipped_package: Path
) -> None:
    (shipped_package / "react.mjs").write_text(_REACT)
    told = json.loads(node.run(shipped_package, "react.mjs"))
    assert told == {
        "refused": "is required",
        "sent": "succeeded",
        "ended": "succeeded",
        "columns": ["id", "chunk_count", "language", "source", "text", "topic"],
        "rows": 2,
        "more": 5,
        "noMore": True,
        "followed": ["pending", "succeeded"],
        "live": True,
        "code": "not-found",
        "steps": "label fallback in 12 ms unavailable: nobody answers",
        "grave": [],
    }


_REACT = """\
import { JSDOM } from "jsdom";
const dom = new JSDOM("<!doctype html><html lang='en'><head><title>t</title></head><body></body></html>", {
  url: "http://127.0.0.1:9/",
  pretendToBeVisual: true,
});
for (const name of ["window", "document", "HTMLElement", "HTMLIFrameElement", "Node", "Element", "MutationObserver"]) {
  globalThis[name] = name === "window" ? dom.window : dom.window[name];
}
Object.defineProperty(globalThis, "navigator", { value: dom.window.navigator, configurable: true });
globalThis.IS_REACT_ACT_ENVIRONMENT = true;

const { createElement: h } = await import("react");
const { cleanup, fireEvent, render, renderHook, waitFor } = await import("@testing-library/react");
const { QueryClient, QueryClientProvider } = await import("@tanstack/react-query");
const { setupServer } = await import("msw/node");
const { createClient } = await import("./dist/index.js");
const { handlers } = await import("./dist/mocks.js");
const { AgentsProvider, useFollowTask, useSubmitTask, useTask } = await import("./dist/react.js");
const { ResultsTable, RunForm, TaskTrace } = await import("./dist/components.js");
const axe = (await import("axe-core")).default;

const baseUrl = "http://127.0.0.1:9";
const server = setupServer(...handlers({ baseUrl, agents: { "text-processing": "demo" } }));
server.listen({ onUnhandledRequest: "error" });
const client = createClient({ baseUrl });
const cache = new QueryClient({ defaultOptions: { queries: { retry: false } } });
const page = (children) => h("main", null, h("h1", null, "t"), children);
const wrapper = ({ children }) =>
  h(QueryClientProvider, { client: cache }, h(AgentsProvider, { client }, page(children)));
const told = {};

let ended;
const form = render(
  h(RunForm, { type: "text-processing", agent: "demo", onEnd: (task) => (ended = task.state) }),
  { wrapper },
);
const text = form.getByLabelText(/^text/);
fireEvent.change(form.getByLabelText(/^source/), { target: { value: "x" } });
fireEvent.submit(form.container.querySelector("form"));
await waitFor(() => form.getByRole("alert"));
told.refused = form.getByRole("alert").textContent;
fireEvent.change(text, { target: { value: "Hello" } });
fireEvent.submit(form.container.querySelector("form"));
told.sent = await waitFor(() => form.getByRole("status").textContent);
told.ended = ended;
const grave = async () =>
  (await axe.run(dom.window.document.body, { rules: { "color-contrast": { enabled: false } } })).violations
    .filter((found) => ["serious", "critical"].includes(found.impact))
    .map((found) => found.id);
told.grave = await grave();
cleanup();

const table = render(
  h(ResultsTable, { type: "text-processing", agent: "demo", model: "document", query: { limit: 2 } }),
  { wrapper },
);
await waitFor(() => table.getByText("More"));
told.columns = table.getAllByRole("columnheader").map((cell) => cell.textContent);
told.rows = table.container.querySelectorAll("tbody tr").length;
while (table.queryByText("More")) {
  fireEvent.click(table.getByText("More"));
  await waitFor(() => {
    if (table.container.querySelector("[aria-busy=true]")) throw new Error("busy");
  });
}
told.more = table.container.querySelectorAll("tbody tr").length;
told.noMore = table.queryByText("More") === null;
told.grave.push(...(await grave()));
cleanup();

const submitted = renderHook(() => useSubmitTask("text-processing", "demo"), { wrapper });
submitted.result.current.mutate({ text: "Hello" });
await waitFor(() => {
  if (!submitted.result.current.data) throw new Error("not yet");
});
const { id, state } = submitted.result.current.data;
const followed = renderHook(() => useTask("text-processing", id, 10), { wrapper });
await waitFor(() => {
  if (!followed.result.current.data) throw new Error("not yet");
});
told.followed = [state, followed.result.current.data.state];
const live = renderHook(({ id }) => useFollowTask("text-processing", id), { wrapper, initialProps: { id } });
await waitFor(() => {
  if (live.result.current.task?.state !== "succeeded") throw new Error("not yet");
});
live.rerender({ id: "nobody" });
told.live = live.result.current.task === undefined;
await waitFor(() => {
  if (!live.result.current.error) throw new Error("not yet");
});
told.code = live.result.current.error.code;
cleanup();

const step = { step: "label", call: "x", attempt: 1, status: "fallback", started: 0, duration: 0.0123,
  error_code: "unavailable", error: "nobody answers", tokens: 0, model: "" };
const trace = render(h(TaskTrace, { task: { ...followed.result.current.data, trace: [step] } }), { wrapper });
told.steps = trace.getByRole("listitem").textContent;
told.grave.push(...(await grave()));
cleanup();
console.log(JSON.stringify(told));
server.close();
process.exit(0);
"""

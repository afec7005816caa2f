/** The components as people use them: by labels, roles and keys, and accessible in every state. */
import { act, cleanup, fireEvent, render, waitFor, within } from "@testing-library/react";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { PlanDocument, PlanSummary, TaskDetail } from "reconciler-sdk";
import {
  AgentBuilder,
  DeletePreview,
  differences,
  PlanView,
  ResultsFilter,
  ResultsTable,
  RunForm,
  SchemaForm,
  TaskTrace,
} from "reconciler-sdk/components";
import { handlers } from "reconciler-sdk/mocks";
import { AGENT, BASE_URL, broken, surroundings } from "./surroundings.js";

const TYPE = "text-processing";
const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
beforeEach(() => server.resetHandlers(...handlers({ baseUrl: BASE_URL, agents: { [TYPE]: AGENT }, rows: 10_000 })));
afterEach(cleanup);
afterAll(() => server.close());

const patience = { timeout: 20_000 };
const shown = (element: React.ReactElement) => render(element, { wrapper: surroundings() });

test("a form says beside its fields what does not fit, and follows the task it sent to its end", async () => {
  let ended = "";
  const form = shown(<RunForm type={TYPE} agent={AGENT} onEnd={(task) => (ended = task.state)} />);
  const text = form.getByLabelText(/^text/);
  fireEvent.change(form.getByLabelText(/^source/), { target: { value: "x" } });
  fireEvent.click(form.getByRole("button", { name: "Run" }));
  await waitFor(() => expect(form.getByRole("alert").textContent).toBe("is required"), patience);
  expect(document.activeElement).toBe(text);
  expect(await broken()).toEqual([]);
  fireEvent.change(text, { target: { value: "Hello" } });
  fireEvent.click(form.getByRole("button", { name: "Run" }));
  await waitFor(() => expect(form.getByRole("status").textContent).toBe("succeeded"), patience);
  expect(ended).toBe("succeeded");
  expect(await broken()).toEqual([]);
});

test("a form of a schema gives values of the schema's types", () => {
  const properties = {
    constructor: { type: "string", maxLength: 5 },
    count: { anyOf: [{ type: "integer", minimum: 1 }, { type: "null" }] },
    kinds: { type: "array", items: { type: "integer" } },
    level: { type: "string", enum: ["low", "high"] },
    sure: { type: "boolean" },
    anything: { type: ["object", "array", "string", "number", "boolean"] },
  };
  const sent: unknown[] = [];
  const schema = { type: "object", properties, required: ["constructor"], additionalProperties: false };
  const form = render(<SchemaForm schema={schema} onSubmit={(values) => sent.push(values)} />);
  const fill = (label: RegExp, value: string) => fireEvent.change(form.getByLabelText(label), { target: { value } });
  fill(/^constructor/, "short");
  fill(/^count/, "3");
  fill(/^kinds/, "1\n2");
  fill(/^level/, "high");
  fill(/^sure/, "true");
  fill(/^anything/, '{"a": 1}');
  fireEvent.click(form.getByRole("button"));
  expect(sent).toEqual([
    { constructor: "short", count: 3, kinds: [1, 2], level: "high", sure: true, anything: { a: 1 } },
  ]);
  fill(/^constructor/, "too long");
  fill(/^count/, "0");
  fireEvent.click(form.getByRole("button"));
  expect(form.getAllByRole("alert")).toHaveLength(2);
  expect(sent).toHaveLength(1);
});

test("of thousands of rows only those in sight are in the page, and more are read on the way down", async () => {
  const table = shown(<ResultsTable type={TYPE} agent={AGENT} model="document" query={{ limit: 1000 }} />);
  await waitFor(() => expect(table.getAllByRole("row").length).toBeGreaterThan(5), patience);
  const region = table.getByRole("region");
  expect(region.tabIndex).toBe(0);
  expect(table.getAllByRole("columnheader").map((cell) => cell.textContent)).toContain("topic");
  expect(await broken()).toEqual([]);
  const ids = () => [...region.querySelectorAll("tbody tr:not([aria-hidden])")].map((row) => Number(row.firstChild?.textContent));
  for (let rows = 1000; rows <= 10_000; rows += 1000) {
    await waitFor(() => expect(table.getByText(new RegExp(`^${rows.toLocaleString("en")} rows`))).toBeTruthy(), patience);
    act(() => {
      region.scrollTop = rows * 36;
      fireEvent.scroll(region);
    });
    expect(region.querySelectorAll("tr").length).toBeLessThan(60);
  }
  await waitFor(() => expect(ids().at(-1)).toBe(1), patience);
  expect(region.querySelector("table")?.getAttribute("aria-rowcount")).toBe("10001");
});

test("a heading sorts by its column, and says so", async () => {
  const table = shown(<ResultsTable type={TYPE} agent={AGENT} model="document" columns={["id", "topic"]} />);
  const heading = () => table.getByRole("columnheader", { name: "id" });
  await waitFor(() => expect(table.getAllByRole("row").length).toBeGreaterThan(5), patience);
  fireEvent.click(within(heading()).getByRole("button"));
  expect(heading().getAttribute("aria-sort")).toBe("ascending");
  await waitFor(() => expect(table.getAllByRole("row")[1]?.textContent).toMatch(/^1\D/), patience);
  fireEvent.click(within(heading()).getByRole("button"));
  expect(heading().getAttribute("aria-sort")).toBe("descending");
});

test("a filter has a choice of values and words to look for", () => {
  let filter: object = {};
  const schema = {
    properties: { topic: { type: "string", enum: ["bug", "praise"] }, text: { type: "string" }, id: { type: "integer" } },
  };
  const form = render(<ResultsFilter schema={schema} value={{}} onChange={(value) => (filter = value)} />);
  fireEvent.change(form.getByLabelText("topic"), { target: { value: "bug" } });
  expect(filter).toEqual({ topic: "bug" });
  fireEvent.change(form.getByLabelText("text"), { target: { value: "invoice" } });
  expect(filter).toEqual({ text: { contains: "invoice" } });
});

test("a trace has a line for each attempt, with what went wrong", () => {
  const step = { step: "label", call: "x", attempt: 2, status: "fallback", started: 0, duration: 0.0123 };
  const failed = { ...step, error_code: "unavailable", error: "nobody answers", tokens: 0, model: "" };
  const task = { id: "1", agent: AGENT, type: TYPE, type_version: "1.0.0", state: "failed", attempts: 1, max_attempts: 3 };
  const trace = render(<TaskTrace task={{ ...task, trace: [failed], error_message: "no" } as unknown as TaskDetail as never} />);
  expect(trace.getByRole("listitem").textContent).toBe("label fallback in 12 ms, attempt 2 unavailable: nobody answers");
});

function hazard(severity: string) {
  return { code: "destructive", severity, address: "notes.note.body", rows: 3, message: "rows go", suggestion: "keep it" };
}

test("a plan is applied once every risk is accepted, and never past one that blocks", () => {
  let allowed: string[] | undefined;
  const plan = (...severities: string[]): PlanSummary => ({
    id: "p",
    changes: [{ action: "remove", address: "type/notes", reason: "left the source" }],
    hazards: severities.map(hazard),
  });
  const view = render(<PlanView plan={plan("notice", "confirm")} onApply={(allow) => (allowed = allow)} />);
  const button = () => view.getByRole<HTMLButtonElement>("button", { name: "Apply" });
  expect(button().disabled).toBe(true);
  fireEvent.click(view.getByRole("checkbox"));
  fireEvent.click(button());
  expect(allowed).toEqual(["destructive:notes.note.body"]);
  view.rerender(<PlanView plan={plan("block")} onApply={() => undefined} />);
  expect(button().disabled).toBe(true);
});

test("a plan of a thousand changes is shown, and what differs in one is worked out when it is opened", async () => {
  const changes = Array.from({ length: 1000 }, (_, number) => ({
    action: "change",
    kind: "type",
    address: `type/t${number}`,
    reason: "",
    before: { spec: { version: "1.0.0", steps: [1, 2] } },
    after: { spec: { version: "1.1.0", steps: [1, 2, 3] } },
    hazards: [],
  }));
  const view = shown(<PlanView plan={{ id: "p", changes, hazards: [] } as unknown as PlanDocument} />);
  expect(view.container.querySelector(".rc-summary")?.textContent).toBe("1,000 to change.");
  expect(view.container.querySelectorAll("li.rc-change")).toHaveLength(1000);
  expect(view.container.querySelectorAll("pre")).toHaveLength(0);
  const [first] = view.container.querySelectorAll("details");
  act(() => {
    first!.open = true;
    fireEvent(first!, new window.Event("toggle"));
  });
  await waitFor(() => expect(view.container.querySelector("pre")?.textContent).toContain("+ spec.version: 1.1.0"));
});

test("what differs between two manifests is told by the path of each value", () => {
  expect(differences({ a: 1, b: { c: "x" }, d: [1] }, { a: 2, b: { c: "x" }, e: null })).toEqual([
    { path: "a", sign: "-", text: "1" },
    { path: "a", sign: "+", text: "2" },
    { path: "d[0]", sign: "-", text: "1" },
    { path: "e", sign: "+", text: "null" },
  ]);
});

test("what parks or destroys is deleted only by its name", async () => {
  let deleted = false;
  const form = shown(<DeletePreview kind="agent" name={AGENT} onDeleted={() => (deleted = true)} />);
  await waitFor(() => expect(form.getByText("agent/demo")).toBeTruthy(), patience);
  const button = () => form.getByRole<HTMLButtonElement>("button", { name: "Delete demo" });
  fireEvent.click(form.getByLabelText(/Park the tables/));
  await waitFor(() => expect(form.getByLabelText(/to confirm/)).toBeTruthy(), patience);
  expect(button().disabled).toBe(true);
  expect(await broken()).toEqual([]);
  fireEvent.change(form.getByLabelText(/to confirm/), { target: { value: AGENT } });
  fireEvent.click(button());
  await waitFor(() => expect(deleted).toBe(true), patience);
});

test("a conversation leads from a first sentence to an agent that is live", async () => {
  let finalized = "";
  const page = shown(<AgentBuilder onFinalized={({ agent }) => (finalized = agent)} />);
  expect(await broken()).toEqual([]);
  fireEvent.change(page.getByLabelText("What should the agent do?"), { target: { value: "Keep notes" } });
  fireEvent.click(page.getByRole("button", { name: "Begin" }));
  await waitFor(() => expect(page.getByRole("group", { name: "Should it keep what it finds?" })).toBeTruthy(), patience);
  fireEvent.click(page.getByRole("button", { name: "yes" }));
  await waitFor(() => expect(page.getByText("What is it called?")).toBeTruthy(), patience);
  await waitFor(() => expect(page.getByLabelText("Your answer")).toHaveProperty("disabled", false), patience);
  fireEvent.change(page.getByLabelText("Your answer"), { target: { value: "jottings" } });
  await waitFor(() => expect(page.getByRole<HTMLButtonElement>("button", { name: "Say" }).disabled).toBe(false), patience);
  fireEvent.keyDown(page.getByLabelText("Your answer"), { key: "Enter" });
  await waitFor(() => expect(page.getByRole("button", { name: "Make it so" })).toBeTruthy(), patience);
  expect(page.getByRole("progressbar")).toHaveProperty("value", 1);
  expect(await broken()).toEqual([]);
  fireEvent.click(page.getByRole("button", { name: "Make it so" }));
  await waitFor(() => expect(finalized).toBe("jottings-agent"), patience);
  expect(page.getByText(/jottings-agent is there/)).toBeTruthy();
});

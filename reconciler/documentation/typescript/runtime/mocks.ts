/** Handlers for Mock Service Worker that answer as an instance would, from rows that keep every constraint. */
import { http, HttpResponse, type HttpHandler } from "msw";
import type { Problem, SubmittedTask, TaskRecord } from "./api.js";
import { fixtures } from "./fixtures.js";
import { versions } from "./types.js";
import { inputValidators } from "./validators.js";

export interface MockOptions {
  readonly baseUrl: string;
  /** Names of deployed agents by type; else each type has one named as it. */
  readonly agents?: Readonly<Record<string, string>>;
}

interface Fixture {
  readonly output: unknown;
  readonly rows: Readonly<Record<string, readonly object[]>>;
}

export function handlers(options: MockOptions): HttpHandler[] {
  const tasks = new Map<string, TaskRecord<unknown>>();
  const known: Readonly<Record<string, Fixture>> = fixtures;
  const types = new Map(Object.keys(known).map((type) => [options.agents?.[type] ?? type, type]));
  const url = (path: string): string => options.baseUrl.replace(/\/+$/, "") + path;
  return [
    http.post(url("/api/v1/agents/:agent/tasks"), async ({ params, request }) => {
      const agent = String(params["agent"]);
      const type = types.get(agent);
      if (type === undefined) return refused(404, "not-found", `there is no agent ${agent}`);
      const body = (await request.json()) as { input?: unknown };
      const found = inputValidators[type as keyof typeof inputValidators].safeParse(body.input);
      if (!found.success) return refused(422, "invalid_input", found.error.issues[0]?.message ?? "does not fit");
      const id = `00000000-0000-7000-8000-${String(tasks.size + 1).padStart(12, "0")}`;
      tasks.set(id, succeeded(id, agent, type, known[type]?.output));
      const submitted: SubmittedTask = { id, state: "pending", created: true };
      return HttpResponse.json(submitted, { status: 202, headers: { Location: `/api/v1/tasks/${id}` } });
    }),
    http.get(url("/api/v1/tasks/:id"), ({ params }) => {
      const task = tasks.get(String(params["id"]));
      return task === undefined ? refused(404, "not-found", "there is no such task") : HttpResponse.json(task);
    }),
    http.get(url("/api/v1/tasks/:id/events"), ({ params }) => {
      const task = tasks.get(String(params["id"]));
      if (task === undefined) return refused(404, "not-found", "there is no such task");
      const running = { ...task, state: "running", output: null };
      const events = [`event: task\ndata: ${JSON.stringify(running)}\n\n`, `event: end\ndata: ${JSON.stringify(task)}\n\n`];
      return new HttpResponse(events.join(""), { headers: { "Content-Type": "text/event-stream" } });
    }),
    http.get(url("/api/v1/agents/dynamic/:agent/results"), ({ params, request }) => {
      const type = types.get(String(params["agent"]));
      const search = new URL(request.url).searchParams;
      const rows = type === undefined ? undefined : known[type]?.rows;
      const model = search.get("model") ?? Object.keys(rows ?? {})[0] ?? "";
      const found = rows !== undefined && Object.hasOwn(rows, model) ? rows[model] : undefined;
      if (found === undefined) return refused(404, "not-found", "there is no such agent or model");
      const [from, limit] = [Number(search.get("cursor") ?? "0"), Number(search.get("limit") ?? "50")];
      const next = from + limit < found.length ? String(from + limit) : null;
      return HttpResponse.json({ items: found.slice(from, from + limit), next });
    }),
    http.get(url("/api/v1/agents"), () =>
      HttpResponse.json({ items: [...types].map(([name, type]) => ({ name, type, enabled: true })), next: null }),
    ),
  ];
}

function succeeded(id: string, agent: string, type: string, output: unknown): TaskRecord<unknown> {
  const at = "2026-01-01T00:00:00Z";
  return {
    id,
    agent,
    type,
    type_version: versions[type as keyof typeof versions],
    state: "succeeded",
    attempts: 1,
    max_attempts: 3,
    submitted_at: at,
    started_at: at,
    finished_at: at,
    error_code: null,
    error_message: null,
    error_where: "",
    error_hint: "",
    tokens: 0,
    output,
    trace: [],
  };
}

function refused(status: number, code: string, detail: string): HttpResponse<string> {
  const problem: Problem = { type: `urn:reconciler:problem:${code}`, title: detail, status, code, detail };
  return new HttpResponse(JSON.stringify(problem), {
    status,
    headers: { "Content-Type": "application/problem+json" },
  });
}

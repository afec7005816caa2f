/** What the mocked instance holds, and how it answers. */
import { HttpResponse, type DefaultBodyType } from "msw";
import type { JsonObject, JsonSchema, SystemColumns, TaskStep } from "../api.js";
import type {
  AgentLine,
  Operation,
  ProblemDetails,
  RevisionSummary,
  SessionView,
  TaskDetail,
  TypeLine,
} from "../generated/types.gen.js";
import { fixtures } from "../instance/fixtures.js";
import { schemas } from "../instance/schemas.js";
import { versions } from "../instance/types.js";

export interface MockOptions {
  readonly baseUrl: string;
  /** Names of deployed agents by type; else each type has one named as it. */
  readonly agents?: Readonly<Record<string, string>>;
  /** How many rows each model has; made of the fixtures, over and over. */
  readonly rows?: number;
}

type Row = SystemColumns & JsonObject;

export interface MockWorld {
  readonly url: (path: string) => string;
  readonly types: Map<string, TypeLine>;
  readonly agents: Map<string, AgentLine>;
  readonly tasks: Map<string, TaskDetail>;
  readonly operations: Map<string, Operation>;
  readonly revisions: RevisionSummary[];
  readonly sessions: Map<string, SessionView>;
  readonly rows: (agent: string, model: string) => readonly Row[] | undefined;
  readonly outputOf: (type: string) => JsonObject | null;
}

export const AT = "2026-01-01T00:00:00Z";

export function mockWorld(options: MockOptions): MockWorld {
  const names = Object.keys(fixtures);
  const types = new Map(names.map((name) => [name, typeLine(name)]));
  const agents = new Map(
    names.map((type) => {
      const name = options.agents?.[type] ?? type;
      return [name, agentLine(name, type)];
    }),
  );
  const known = fixtures as unknown as Readonly<Record<string, { output: JsonObject | null; rows: Record<string, Row[]> }>>;
  const made = new Map<string, readonly Row[]>();
  return {
    url: (path) => options.baseUrl.replace(/\/+$/, "") + path,
    types,
    agents,
    tasks: new Map(),
    operations: new Map(),
    revisions: [revision(1)],
    sessions: new Map(),
    outputOf: (type) => known[type]?.output ?? null,
    rows(agent, model) {
      const type = agents.get(agent)?.type ?? "";
      const found = own(known[type]?.rows ?? {}, model);
      if (found === undefined) return undefined;
      const key = `${type}.${model}`;
      if (!made.has(key)) made.set(key, repeated(found, options.rows ?? found.length));
      return made.get(key);
    },
  };
}

export function own<Value>(values: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

function repeated(rows: readonly Row[], count: number): readonly Row[] {
  if (rows.length === 0) return rows;
  return Array.from({ length: count }, (_, number) => ({ ...rows[number % rows.length]!, id: number + 1 }));
}

export function typeLine(name: string): TypeLine {
  const version = own(versions as Readonly<Record<string, string>>, name) ?? "1.0.0";
  const said = { title: name, description: "", owner: "somebody@example.com", labels: {}, deprecated: "", sunset: "" };
  return { name, version, status: "active", ...said, agents: 1, registered_at: AT, revision: 1, digest: `digest-of-${name}` };
}

export function agentLine(name: string, type: string): AgentLine {
  const said = { title: "", description: "", owner: "", labels: {}, deprecated: "", sunset: "", schedule: "", problem: "" };
  const nothing = { tools: [], capabilities: [], models: [], writes: [], reads: [], hosts: [], recipients: [], agents: [] };
  const version = own(versions as Readonly<Record<string, string>>, type) ?? "1.0.0";
  const live = { enabled: true, status: "active" as const, deployed_at: AT, revision: 1 };
  return { name, kind: "dynamic", type, version, ...said, ...live, reach: nothing };
}

export function revision(number: number): RevisionSummary {
  return {
    number,
    state: "applied",
    actor: "somebody",
    started_at: AT,
    finished_at: AT,
    parent: number > 1 ? number - 1 : null,
    reason: "",
    commit: "",
    plan_id: `plan-${number}`,
    summary: { add: 1, change: 0, remove: 0 },
  };
}

export function task(id: string, agent: string, type: string, input: JsonObject, output: JsonObject | null): TaskDetail {
  const step: TaskStep = {
    step: "answer",
    call: "mock",
    attempt: 1,
    status: "succeeded",
    started: 0,
    duration: 0.012,
    error_code: "",
    error: "",
    tokens: 0,
    model: "",
  };
  const version = own(versions as Readonly<Record<string, string>>, type) ?? "1.0.0";
  return {
    id,
    agent,
    kind: "dynamic",
    type,
    type_version: version,
    state: "succeeded",
    attempts: 1,
    max_attempts: 3,
    submitted_at: AT,
    not_before: AT,
    started_at: AT,
    finished_at: AT,
    worker: "mock",
    error_code: null,
    error_message: null,
    error_where: "",
    error_hint: "",
    tokens: 0,
    origin: "api",
    actor: "somebody",
    input,
    settings: {},
    output,
    trace: [{ ...step }],
    cancel_requested: null,
    revision: 1,
    model: "",
  };
}

/** Ends at once. */
export function operation(world: MockWorld, kind: string, request: JsonObject, result: JsonObject): Operation {
  const made: Operation = {
    id: `00000000-0000-7000-9000-${String(world.operations.size + 1).padStart(12, "0")}`,
    kind,
    state: "succeeded",
    actor: "somebody",
    submitted_at: AT,
    finished_at: AT,
    request,
    progress: null,
    result,
  };
  world.operations.set(made.id, made);
  return made;
}

export function rowSchema(type: string, model: string): JsonSchema | undefined {
  return own(own(schemas, type)?.models ?? {}, model);
}

export function refused(status: number, code: string, detail: string): HttpResponse<string> {
  const problem: ProblemDetails = { type: `urn:reconciler:problem:${code}`, title: detail, status, code, detail };
  return new HttpResponse(JSON.stringify(problem), {
    status,
    headers: { "Content-Type": "application/problem+json" },
  });
}

export function missing(what: string): HttpResponse<string> {
  return refused(404, "not-found", `there is no such ${what}`);
}

export function answered<Body extends DefaultBodyType>(body: Body, init?: { status?: number; headers?: Record<string, string> }) {
  return HttpResponse.json(body, init);
}

export function paged<Item>(items: readonly Item[], request: Request): { items: Item[]; next: string | null } {
  const search = new URL(request.url).searchParams;
  const [from, limit] = [Number(search.get("cursor") ?? "0"), Number(search.get("limit") ?? "50")];
  return { items: items.slice(from, from + limit), next: from + limit < items.length ? String(from + limit) : null };
}

/** Events of a stream, each with an id; those that came already are left out. */
export function events(all: readonly { event: string; id: string; data: unknown }[], request: Request): HttpResponse<string> {
  const last = request.headers.get("Last-Event-ID") ?? "";
  const told = all.filter(({ event, id }) => event === "end" || id !== last);
  const text = told.map(({ event, id, data }) => `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`).join("");
  return new HttpResponse(text, { headers: { "Content-Type": "text/event-stream" } });
}

/** Tasks and their rows. */
import { http, HttpResponse, type HttpHandler } from "msw";
import type { JsonObject, JsonValue } from "../api.js";
import type { TaskDetail, TaskLine } from "../generated/types.gen.js";
import { schemas } from "../instance/schemas.js";
import { inputValidators } from "../instance/validators.js";
import { validatorOf } from "../json_schema.js";
import { answered, events, missing, own, paged, refused, rowSchema, task, type MockWorld } from "./world.js";

export function taskHandlers(world: MockWorld): HttpHandler[] {
  const { url, tasks, agents } = world;
  const known = inputValidators as unknown as Readonly<Record<string, ReturnType<typeof validatorOf>>>;
  const one = (id: unknown): TaskDetail | undefined => tasks.get(String(id));
  return [
    http.post(url("/api/v1/agents/:agent/tasks"), async ({ params, request }) => {
      const agent = agents.get(String(params["agent"]));
      if (agent === undefined) return missing("agent");
      const body = (await request.json()) as { input?: JsonObject };
      const schema = own(schemas, agent.type)?.input ?? {};
      const found = (own(known, agent.type) ?? validatorOf(schema)).safeParse(body.input);
      if (!found.success) return refused(422, "invalid_input", found.error.issues[0]?.message ?? "does not fit");
      const id = `00000000-0000-7000-8000-${String(tasks.size + 1).padStart(12, "0")}`;
      tasks.set(id, task(id, agent.name, agent.type, body.input ?? {}, world.outputOf(agent.type)));
      const headers = { Location: `/api/v1/tasks/${id}` };
      return answered({ id, state: "pending", created: true }, { status: 202, headers });
    }),
    http.get(url("/api/v1/tasks"), ({ request }) => {
      const search = new URL(request.url).searchParams;
      const states = search.getAll("state");
      const wanted = [...tasks.values()].reverse().filter(
        (found) =>
          (!search.get("agent") || found.agent === search.get("agent")) &&
          (!search.get("type") || found.type === search.get("type")) &&
          (states.length === 0 || states.includes(found.state)),
      );
      return answered(paged(wanted.map(lineOf), request));
    }),
    http.get(url("/api/v1/tasks/:id"), ({ params }) => {
      const found = one(params["id"]);
      return found === undefined ? missing("task") : answered(found);
    }),
    http.get(url("/api/v1/tasks/:id/events"), ({ params, request }) => {
      const found = one(params["id"]);
      if (found === undefined) return missing("task");
      const running = { ...lineOf(found), state: "running", finished_at: null };
      return events(
        [
          { event: "task", id: "running-1", data: running },
          { event: "end", id: `${found.state}-1`, data: found },
        ],
        request,
      );
    }),
    http.post(url("/api/v1/tasks/:id/cancel"), ({ params }) => {
      const found = one(params["id"]);
      if (found === undefined) return missing("task");
      return answered({ id: found.id, state: found.state });
    }),
    http.post(url("/api/v1/tasks/:id/redrive"), ({ params }) => {
      const found = one(params["id"]);
      return found === undefined ? missing("task") : answered({ tasks: [] as string[] });
    }),
    http.get(url("/api/v1/agents/dynamic/:agent/schema"), ({ params, request }) => {
      const type = agents.get(String(params["agent"]))?.type ?? "";
      const found = rowSchema(type, new URL(request.url).searchParams.get("model") ?? "");
      return found === undefined ? missing("agent or model") : HttpResponse.json(found as object);
    }),
    http.get(url("/api/v1/agents/dynamic/:agent/results"), ({ params, request }) => {
      const search = new URL(request.url).searchParams;
      const found = world.rows(String(params["agent"]), search.get("model") ?? "");
      if (found === undefined) return missing("agent or model");
      const rows = sorted(found.filter(admits(search)), search.get("sort") ?? "-id");
      if (search.has("group") || search.has("measure")) return answered({ items: grouped(rows, search), next: null });
      return answered({ ...paged(rows, request), total: search.get("count") === "true" ? rows.length : null });
    }),
  ];
}

export function lineOf(found: TaskDetail): TaskLine {
  const { input, settings, output, trace, error_where, error_hint, cancel_requested, revision, model, ...line } = found;
  return line;
}

function admits(search: URLSearchParams): (row: JsonObject) => boolean {
  const conditions = [...search].flatMap(([name, wanted]) => {
    const [, field, operator = "eq"] = /^filter\[(\w+)\](?:\[(\w+)\])?$/.exec(name) ?? [];
    return field === undefined ? [] : [{ field, operator, wanted }];
  });
  return (row) => conditions.every(({ field, operator, wanted }) => holds(row[field] ?? null, operator, wanted));
}

function holds(value: JsonValue, operator: string, wanted: string): boolean {
  const [left, right] = typeof value === "number" ? [value, Number(wanted)] : [String(value), wanted];
  switch (operator) {
    case "ne":
      return left !== right;
    case "lt":
      return left < right;
    case "le":
      return left <= right;
    case "gt":
      return left > right;
    case "ge":
      return left >= right;
    case "in":
      return wanted.split(",").includes(String(value));
    case "contains":
      return String(value).toLowerCase().includes(wanted.toLowerCase());
    case "is_null":
      return (value === null) === (wanted === "true");
    default:
      return left === right;
  }
}

function sorted<Row extends JsonObject>(rows: Row[], sort: string): Row[] {
  const orders = sort.split(",").map((name) => ({ field: name.replace(/^-/, ""), down: name.startsWith("-") }));
  const compare = (one: JsonValue, other: JsonValue): number =>
    one === other ? 0 : one === null ? -1 : other === null ? 1 : one < other ? -1 : 1;
  return rows.sort((one, other) => {
    for (const { field, down } of orders) {
      const found = compare(one[field] ?? null, other[field] ?? null);
      if (found !== 0) return down ? -found : found;
    }
    return 0;
  });
}

/** Counts only: other measures are null. */
function grouped(rows: readonly JsonObject[], search: URLSearchParams): JsonObject[] {
  const fields = (search.get("group") ?? "").split(",").filter((name) => name !== "");
  const groups = new Map<string, JsonObject>();
  for (const row of rows) {
    const values = Object.fromEntries(fields.map((field) => [field, row[field] ?? null]));
    const key = JSON.stringify(values);
    const group = groups.get(key) ?? { ...values, count: 0 };
    groups.set(key, { ...group, count: Number(group["count"]) + 1 });
  }
  return [...groups.values()];
}

/** What is, what would change, and what was changed: nothing waits here, and what is asked for is done at once. */
import { http, type HttpHandler } from "msw";
import type { JsonObject } from "../api.js";
import type { PlanDocument, Status } from "../generated/types.gen.js";
import { answered, AT, events, missing, operation, paged, revision, type MockWorld } from "./world.js";

export function reconcilingHandlers(world: MockWorld): HttpHandler[] {
  const { url, operations, revisions, types, agents } = world;
  const accepted = (kind: string, request: JsonObject) => {
    const number = revisions.length + 1;
    revisions.unshift(revision(number));
    const { id } = operation(world, kind, request, { revision: number, applied: [], failed: [], plan_id: `plan-${number}` });
    const running = { ...operations.get(id)!, state: "running" as const, finished_at: null, result: null };
    return answered(running, { status: 202, headers: { Location: `/api/v1/operations/${id}` } });
  };
  return [
    http.get(url("/api/v1/status"), () => answered(statusOf(world))),
    http.get(url("/api/v1/caller"), () => answered({ name: "somebody", role: "admin" })),
    http.get(url("/api/v1/plan/sql"), () => answered({ plan_id: "plan-of-now", units: [] })),
    http.get(url("/api/v1/plan"), () => answered(plan([]))),
    http.get(url("/api/v1/drift"), () => answered({ items: [], next: null })),
    http.post(url("/api/v1/reconcile"), async ({ request }) => accepted("reconcile", (await request.json()) as JsonObject)),
    http.post(url("/api/v1/rollback"), async ({ request }) => accepted("rollback", (await request.json()) as JsonObject)),
    http.get(url("/api/v1/rollback/plan"), () => {
      const [first] = agents.keys();
      if (first === undefined) return answered(plan([]));
      return answered(plan([{ action: "remove", kind: "agent", address: `agent/${first}`, reason: "", before: {}, after: null, hazards: [] }]));
    }),
    http.get(url("/api/v1/operations"), ({ request }) => answered(paged([...operations.values()].reverse(), request))),
    http.get(url("/api/v1/operations/:id"), ({ params }) => {
      const found = operations.get(String(params["id"]));
      return found === undefined ? missing("operation") : answered(found);
    }),
    http.get(url("/api/v1/operations/:id/events"), ({ params, request }) => {
      const found = operations.get(String(params["id"]));
      if (found === undefined) return missing("operation");
      const progress = { point: "unit", done: 1, total: 2 };
      const running = { ...found, state: "running", finished_at: null, result: null, progress };
      return events(
        [
          { event: "progress", id: "unit-1", data: running },
          { event: "end", id: found.state, data: found },
        ],
        request,
      );
    }),
    http.get(url("/api/v1/revisions"), ({ request }) => answered(paged(revisions, request))),
    http.get(url("/api/v1/revisions/:number"), ({ params }) => {
      const summary = revisions.find(({ number }) => number === Number(params["number"]));
      return summary === undefined ? missing("revision") : answered({ summary, units: [] });
    }),
    http.get(url("/api/v1/archives"), () => answered({ items: [], next: null })),
    ...["incidents", "tools", "policies"].map((name) =>
      http.get(url(`/api/v1/${name}`), () => answered({ items: [], next: null })),
    ),
    http.get(url("/api/v1/audit"), () => {
      const said = { actor: "somebody", action: "apply", reason: "", at: AT, hash: "h", previous_hash: "" };
      const items = revisions.map(({ number }) => ({ ...said, id: number, address: `revision/${number}` }));
      return answered({ items, next: null, broken_at: null });
    }),
    http.get(url("/api/v1/schemas/manifest"), () => answered({ type: "object", title: `${types.size} types` })),
  ];
}

function statusOf(world: MockWorld): Status {
  return {
    source: "agents.d",
    database: "mock",
    controller: "",
    revision: world.revisions[0] ?? null,
    counts: { types: world.types.size, agents: world.agents.size, tables: 0, policies: 0, archives: 0 },
    pending: false,
    drift: 0,
    drifted: [],
    problems: 0,
    next_command: "",
    policy: "",
    source_condition: null,
    suspensions: [],
    objects: [],
  };
}

function plan(changes: JsonObject[]): PlanDocument {
  return {
    format_version: "1",
    id: "plan-of-now",
    source: "agents.d",
    database: "mock",
    units: changes.length > 0 ? [{ name: "mock", changes: changes.map(({ address }) => address) }] : [],
    changes,
    hazards: [],
    drift: [],
    problems: [],
    held: [],
    suspended: [],
    summary: { add: 0, change: 0, remove: changes.length },
  };
}

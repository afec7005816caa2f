/** Types and agents: what there is, written, switched and deleted. */
import { http, HttpResponse, type HttpHandler } from "msw";
import type { JsonObject } from "../api.js";
import type { DeletedView, ImpactView, Written } from "../generated/types.gen.js";
import { schemas } from "../instance/schemas.js";
import { agentLine, answered, AT, missing, own, paged, refused, revision, typeLine, type MockWorld } from "./world.js";

interface Manifest {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly type?: string };
}

export function catalogHandlers(world: MockWorld): HttpHandler[] {
  const { url, types, agents } = world;
  const tags = (digest: string): Record<string, string> => ({ ETag: `"${digest}"` });
  return [
    http.get(url("/api/v1/agent-types"), ({ request }) => answered(paged([...types.values()], request))),
    http.post(url("/api/v1/agent-types"), async ({ request }) => {
      const { metadata } = (await request.json()) as Manifest;
      if (types.has(metadata.name)) return refused(409, "exists", `there is an agent type ${metadata.name} already`);
      types.set(metadata.name, typeLine(metadata.name));
      return answered(written(world, `type/${metadata.name}`), { status: 201 });
    }),
    http.get(url("/api/v1/agent-types/:type"), ({ params }) => {
      const found = types.get(String(params["type"]));
      if (found === undefined) return missing("agent type");
      return answered({ ...found, manifest: typeManifest(found.name) }, { headers: tags(found.digest) });
    }),
    http.put(url("/api/v1/agent-types/:type"), ({ params, request }) => {
      const found = types.get(String(params["type"]));
      if (found === undefined) return missing("agent type");
      if (request.headers.get("If-Match") !== `"${found.digest}"`) {
        return refused(412, "changed-meanwhile", "it has changed since you read it");
      }
      return answered(written(world, `type/${found.name}`));
    }),
    http.get(url("/api/v1/agent-types/:type/versions"), ({ params }) => {
      const found = types.get(String(params["type"]));
      if (found === undefined) return missing("agent type");
      const { name, version, digest } = found;
      const only = { name, version, digest, registered_at: AT, revision: 1, current: true, deprecated: null, status: "active" };
      return answered({ items: [only], next: null });
    }),
    http.get(url("/api/v1/agent-types/:type/documentation"), ({ params }) => {
      const found = own(schemas, String(params["type"]));
      if (found === undefined) return missing("agent type");
      return HttpResponse.json({ title: String(params["type"]), markdown: "", data: found });
    }),
    http.post(url("/api/v1/agent-types/:type/plan"), ({ params }) =>
      answered({ id: "plan-of-a-draft", hazards: [], changes: [{ action: "change", address: `type/${String(params["type"])}`, reason: "" }] }),
    ),
    http.delete(url("/api/v1/agent-types/:type"), ({ params, request }) => {
      const found = types.get(String(params["type"]));
      if (found === undefined) return missing("agent type");
      const dependents = [...agents.values()].filter((agent) => agent.type === found.name);
      const cascade = new URL(request.url).searchParams.get("cascade") === "true";
      return deleted(request, impactOf(request, `type/${found.name}`, cascade ? [] : dependents.map(({ name }) => `agent/${name}`)), () => {
        types.delete(found.name);
        for (const { name } of dependents) agents.delete(name);
      });
    }),
    http.get(url("/api/v1/agents"), ({ request }) => {
      const search = new URL(request.url).searchParams;
      const [type, text] = [search.get("type") ?? "", search.get("q") ?? ""];
      const wanted = [...agents.values()].filter((agent) => (!type || agent.type === type) && agent.name.includes(text));
      return answered(paged(wanted, request));
    }),
    http.post(url("/api/v1/agents"), async ({ request }) => {
      const { metadata, spec } = (await request.json()) as Manifest;
      if (agents.has(metadata.name)) return refused(409, "exists", `there is an agent ${metadata.name} already`);
      if (!types.has(spec.type ?? "")) return refused(422, "invalid-manifests", `there is no agent type ${spec.type ?? ""}`);
      agents.set(metadata.name, agentLine(metadata.name, spec.type ?? ""));
      return answered(written(world, `agent/${metadata.name}`), { status: 201 });
    }),
    http.get(url("/api/v1/agents/:agent"), ({ params }) => {
      const found = agents.get(String(params["agent"]));
      if (found === undefined) return missing("agent");
      const manifest = { apiVersion: "reconciler/v1", kind: "Agent", metadata: { name: found.name }, spec: { type: found.type } };
      return answered({ ...found, manifest }, { headers: tags(`digest-of-${found.name}`) });
    }),
    ...(["enable", "disable"] as const).map((verb) =>
      http.post(url(`/api/v1/agents/:agent/${verb}`), ({ params }) => {
        const found = agents.get(String(params["agent"]));
        if (found === undefined) return missing("agent");
        agents.set(found.name, { ...found, enabled: verb === "enable" });
        return answered(written(world, `agent/${found.name}`));
      }),
    ),
    http.delete(url("/api/v1/agents/:agent"), ({ params, request }) => {
      const found = agents.get(String(params["agent"]));
      if (found === undefined) return missing("agent");
      return deleted(request, impactOf(request, `agent/${found.name}`, []), () => agents.delete(found.name));
    }),
  ];
}

function typeManifest(name: string): JsonObject {
  return { apiVersion: "reconciler/v1", kind: "AgentType", metadata: { name }, spec: { version: typeLine(name).version } };
}

export function written(world: MockWorld, address: string): Written {
  const { number } = revision(world.revisions.length + 1);
  world.revisions.unshift(revision(number));
  const plan = { id: `plan-${number}`, changes: [{ action: "add", address, reason: "" }], hazards: [] };
  return { address, live: true, revision: number, paths: [`${address}.yaml`], branch: "", commit: "", url: "", plan };
}

function impactOf(request: Request, address: string, dependents: string[]): ImpactView {
  const mode = (new URL(request.url).searchParams.get("mode") ?? "soft") as ImpactView["mode"];
  return {
    address,
    mode,
    version: "1.0.0",
    removed: [address],
    in_source: true,
    tables: [],
    tasks: { ended: 0, running: 0, waiting: 0 },
    sessions: 0,
    dependents,
    restorable: mode !== "purge",
    restorable_until: null,
    exportable: 0,
  };
}

/** As a preview, or for good where it was meant so. */
function deleted(request: Request, impact: ImpactView, remove: () => void) {
  const search = new URL(request.url).searchParams;
  const nothing: DeletedView = { impact, place: null, revision: null, unfinished: {} };
  if (search.get("preview") === "true") return answered(nothing);
  const name = impact.address.split("/")[1];
  if (impact.mode !== "soft" && search.get("confirm") !== name) {
    return refused(422, "unconfirmed", `a deletion of mode ${impact.mode} is confirmed by the name: confirm=${name}`);
  }
  if (request.headers.get("If-Match") === null) return refused(428, "precondition-required", "say what you saw");
  if (impact.dependents.length > 0) return refused(409, "dependents", `${impact.dependents.join(", ")} would not stand`);
  remove();
  return answered({ ...nothing, place: { live: true, paths: [], branch: "", commit: "", url: "" }, revision: 2 });
}

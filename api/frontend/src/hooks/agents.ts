/** Types and agents: what there is, written and switched. */
import type { JsonObject, TypeSchemas } from "../api.js";
import * as api from "../generated/sdk.gen.js";
import type {
  AgentDetail,
  AgentLine,
  ListAgentsData,
  ListAgentTypesData,
  PlanSummary,
  TypeDetail,
  TypeLine,
  TypeVersion,
  Written,
} from "../generated/types.gen.js";
import { schemas } from "../instance/schemas.js";
import { keys, useChange, usePages, useRead, type Changed, type Pages, type Read, type ReadOptions } from "./reading.js";

export type AgentFilter = Omit<NonNullable<ListAgentsData["query"]>, "cursor">;
export type TypeFilter = Omit<NonNullable<ListAgentTypesData["query"]>, "cursor">;

/** A manifest to be written into the source. `allow` lets hazards pass, as a problem's `allow` names them. */
export interface Wish {
  readonly manifest: JsonObject;
  readonly allow?: readonly string[];
  readonly reason?: string;
}

/** With `replaces`, the `digest` of the type that was seen, it takes that one's place; else it is new. */
export interface TypeWish extends Wish {
  readonly replaces?: string;
}

export function useAgentTypes(filter: TypeFilter = {}, options?: ReadOptions): Pages<TypeLine> {
  return usePages(
    keys("agent-types", "list", filter),
    (asking, cursor) => api.listAgentTypes({ ...asking, query: { ...filter, ...cursor } }),
    options,
  );
}

export function useAgentType(name: string, options?: ReadOptions): Read<TypeDetail> {
  return useRead(keys("agent-types", "one", name), (asking) => api.getAgentType({ ...asking, path: { type: name } }), options);
}

/** The type as YAML. */
export function useAgentTypeManifest(name: string, options?: ReadOptions): Read<string> {
  return useRead(
    keys("agent-types", "manifest", name),
    async (asking) => {
      const headers = { Accept: "application/yaml" };
      const { data } = await api.getAgentType({ ...asking, path: { type: name }, headers, parseAs: "text" });
      return { data: data as unknown as string };
    },
    options,
  );
}

export function useAgentTypeVersions(name: string, options?: ReadOptions): Read<TypeVersion[]> {
  return useRead(
    keys("agent-types", "versions", name),
    async (asking) => {
      const { data } = await api.listAgentTypeVersions({ ...asking, path: { type: name } });
      return { data: data.items };
    },
    options,
  );
}

/** JSON Schemas of a type's input, settings, output and rows; those that the package brings along are there at once. */
export function useTypeSchemas(name: string, options?: ReadOptions): Read<TypeSchemas> {
  const known = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
  return useRead(
    keys("agent-types", "schemas", name),
    async (asking) => {
      if (known !== undefined) return { data: known };
      const { data } = await api.getAgentTypeDocumentation({ ...asking, path: { type: name } });
      return { data: data.data as unknown as TypeSchemas };
    },
    known === undefined ? options : { ...options, initialData: known },
  );
}

/** What a manifest would change. Nothing is written. */
export function usePlanAgentType(): Changed<PlanSummary, JsonObject> {
  return useChange(async ({ api: client }, manifest) => {
    const path = { type: nameOf(manifest) };
    return (await api.planAgentType({ client, throwOnError: true, path, body: manifest as never })).data;
  }, []);
}

export function useWriteAgentType(): Changed<Written, TypeWish> {
  return useChange(async ({ api: client }, wish) => {
    const asked = { client, throwOnError: true as const, body: wish.manifest as never, query: queryOf(wish) };
    if (wish.replaces === undefined) return (await api.createAgentType(asked)).data;
    const headers = { "If-Match": `"${wish.replaces}"` };
    return (await api.replaceAgentType({ ...asked, path: { type: nameOf(wish.manifest) }, headers })).data;
  });
}

export function useAgents(filter: AgentFilter = {}, options?: ReadOptions): Pages<AgentLine> {
  return usePages(
    keys("agents", "list", filter),
    (asking, cursor) => api.listAgents({ ...asking, query: { ...filter, ...cursor } }),
    options,
  );
}

export function useAgent(name: string, options?: ReadOptions): Read<AgentDetail> {
  return useRead(keys("agents", "one", name), (asking) => api.getAgent({ ...asking, path: { id: name } }), options);
}

/** Creates an agent. */
export function useDeploy(): Changed<Written, Wish> {
  return useChange(
    async ({ api: client }, wish) =>
      (await api.createAgent({ client, throwOnError: true, body: wish.manifest as never, query: queryOf(wish) })).data,
  );
}

/** Has an agent take tasks, or not. */
export function useSwitchAgent(): Changed<Written, { readonly agent: string; readonly enabled: boolean }> {
  return useChange(async ({ api: client }, { agent, enabled }) => {
    const asked = { client, throwOnError: true as const, path: { id: agent } };
    return (await (enabled ? api.enableAgent(asked) : api.disableAgent(asked))).data;
  });
}

function queryOf(wish: Wish): { allow?: string[]; reason?: string } {
  return {
    ...(wish.allow === undefined ? {} : { allow: [...wish.allow] }),
    ...(wish.reason === undefined ? {} : { reason: wish.reason }),
  };
}

function nameOf(manifest: JsonObject): string {
  const metadata = manifest["metadata"];
  const name = metadata && typeof metadata === "object" && !Array.isArray(metadata) ? metadata["name"] : undefined;
  return typeof name === "string" ? name : "";
}

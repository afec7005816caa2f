/** What was asked of the system and what went wrong in it, and what its language offers. */
import type { JsonObject } from "../api.js";
import * as api from "../generated/sdk.gen.js";
import type { AuditItem, CallerView, GetAuditData, Incident, PolicyView, ToolView } from "../generated/types.gen.js";
import { keys, usePages, useRead, type Pages, type Read, type ReadOptions } from "./reading.js";

/** Whose key this is, and what it may do. */
export function useCaller(options?: ReadOptions): Read<CallerView> {
  return useRead(keys("caller"), (asking) => api.getCaller(asking), options);
}

export type AuditFilter = Omit<NonNullable<GetAuditData["query"]>, "cursor" | "verify">;

export function useIncidents(filter: { readonly agent?: string; readonly limit?: number } = {}, options?: ReadOptions): Read<Incident[]> {
  return useRead(
    keys("incidents", filter),
    async (asking) => ({ data: (await api.listIncidents({ ...asking, query: filter })).data.items }),
    options,
  );
}

export function useAudit(filter: AuditFilter = {}, options?: ReadOptions): Pages<AuditItem> {
  return usePages(
    keys("audit", filter),
    async (asking, { cursor }) => {
      const from = cursor === undefined ? {} : { cursor: Number(cursor) };
      const { data } = await api.getAudit({ ...asking, query: { ...filter, ...from } });
      return { data: { items: data.items, next: data.next === null ? null : String(data.next) } };
    },
    options,
  );
}

export function useTools(options?: ReadOptions): Read<ToolView[]> {
  return useRead(keys("catalog", "tools"), async (asking) => ({ data: (await api.listTools(asking)).data.items }), options);
}

export function usePolicies(options?: ReadOptions): Read<PolicyView[]> {
  return useRead(keys("catalog", "policies"), async (asking) => ({ data: (await api.listPolicies(asking)).data.items }), options);
}

/** JSON Schema of the manifest language. */
export function useManifestSchema(options?: ReadOptions): Read<JsonObject> {
  return useRead(
    keys("catalog", "schema"),
    async (asking) => ({ data: (await api.getManifestSchema(asking)).data as JsonObject }),
    options,
  );
}

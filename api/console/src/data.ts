/** The package's hooks, and what only the console asks for. */
import type { ApiError } from "@reconciler/frontend";
import { keys, useClient, type Read, type ReadOptions } from "@reconciler/frontend/react";
import { useQuery } from "@tanstack/react-query";

export * from "@reconciler/frontend/react";

export interface Caller {
  readonly name: string;
  readonly role: string;
}

export interface PlanSql {
  readonly plan_id: string;
  readonly units: readonly { readonly name: string; readonly statements: readonly string[] }[];
}

/** Whose key this is. */
export function useCaller(): Read<Caller> {
  const client = useClient();
  return useQuery<Caller, ApiError>({
    queryKey: keys("caller"),
    queryFn: ({ signal }) => client.request<Caller>("GET", "/api/v1/caller", { signal }),
    staleTime: Infinity,
  });
}

/** The statements that applying the plan would run. */
export function usePlanSql(options?: ReadOptions): Read<PlanSql> {
  const client = useClient();
  return useQuery<PlanSql, ApiError>({
    queryKey: keys("plan", "sql"),
    queryFn: ({ signal }) => client.request<PlanSql>("GET", "/api/v1/plan/sql", { signal }),
    ...options,
  });
}

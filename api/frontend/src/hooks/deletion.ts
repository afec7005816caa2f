/** Types and agents deleted as a preview showed, and brought back. */
import { useQuery } from "@tanstack/react-query";
import * as api from "../generated/sdk.gen.js";
import type { DeletedView, ImpactView, RestoredView } from "../generated/types.gen.js";
import type { ApiError } from "../problems.js";
import { useClient } from "./provider.js";
import { keys, useChange, type Changed, type Read } from "./reading.js";

export interface Deletable {
  readonly kind: "agent" | "type";
  readonly name: string;
}

/** `soft`: tables stay, `hard`: they are parked, `purge`: all is destroyed, for an admin only. */
export type DeletionMode = ImpactView["mode"];

export interface DeletionOptions {
  readonly mode?: DeletionMode;
  /** Delete the agents of the type as well. */
  readonly cascade?: boolean;
  readonly enabled?: boolean;
}

/** What would go, and the tag of what was looked at: what is deleted is what was seen. */
export interface DeletionPreview {
  readonly impact: ImpactView;
  readonly seen: string;
}

export interface DeletionWish {
  /** The name once more: what is parked or destroyed is not done by accident. */
  readonly confirm: string;
  readonly reason?: string;
  /** Cancel tasks in flight, and wait for them to stop. */
  readonly cancelTasks?: boolean;
}

export interface Deletion {
  readonly preview: Read<DeletionPreview>;
  readonly remove: Changed<DeletedView, DeletionWish>;
}

export function useDeletion(of: Deletable, options: DeletionOptions = {}): Deletion {
  const client = useClient();
  const { mode, cascade } = options;
  const common = { ...(mode === undefined ? {} : { mode }) };
  const ofType = { ...common, ...(cascade === undefined ? {} : { cascade }) };
  const preview = useQuery<DeletionPreview, ApiError>({
    queryKey: keys("deletion", of.kind, of.name, mode, cascade),
    enabled: options.enabled ?? true,
    staleTime: 0,
    queryFn: async ({ signal }) => {
      const asking = { client: client.api, signal, throwOnError: true as const };
      if (of.kind === "agent") {
        const path = { id: of.name };
        const { response } = await api.getAgent({ ...asking, path });
        const { data } = await api.deleteAgent({ ...asking, path, query: { ...common, preview: true } });
        return { impact: data.impact, seen: tagOf(response) };
      }
      const path = { type: of.name };
      const { response } = await api.getAgentType({ ...asking, path });
      const { data } = await api.deleteAgentType({ ...asking, path, query: { ...ofType, preview: true } });
      return { impact: data.impact, seen: tagOf(response) };
    },
  });
  const remove = useChange<DeletedView, DeletionWish>(async ({ api: apiClient }, wish) => {
    const said = {
      confirm: wish.confirm,
      ...(wish.reason === undefined ? {} : { reason: wish.reason }),
      ...(wish.cancelTasks === undefined ? {} : { cancel_tasks: wish.cancelTasks }),
    };
    const headers = { "If-Match": preview.data?.seen ?? "" };
    const asking = { client: apiClient, throwOnError: true as const, headers };
    return of.kind === "agent"
      ? (await api.deleteAgent({ ...asking, path: { id: of.name }, query: { ...common, ...said } })).data
      : (await api.deleteAgentType({ ...asking, path: { type: of.name }, query: { ...ofType, ...said } })).data;
  });
  return { preview, remove };
}

/** Brings back what was deleted, with the tables that were parked. */
export function useRestore(): Changed<RestoredView, Deletable & { readonly reason?: string }> {
  return useChange(async ({ api: client }, { kind, name, reason }) => {
    const asking = { client, throwOnError: true as const, query: reason === undefined ? {} : { reason } };
    return kind === "agent"
      ? (await api.restoreAgent({ ...asking, path: { id: name } })).data
      : (await api.restoreAgentType({ ...asking, path: { type: name } })).data;
  });
}

function tagOf(response: Response): string {
  return response.headers.get("ETag") ?? "";
}

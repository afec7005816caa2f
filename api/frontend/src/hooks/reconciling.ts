/** What is, what would change, making it so, and taking it back. */
import * as api from "../generated/sdk.gen.js";
import type {
  ArchiveRecord,
  Done,
  DriftItem,
  Operation,
  PlanDocument,
  PlanSql,
  RevisionDetail,
  RevisionSummary,
  Status,
} from "../generated/types.gen.js";
import { useFollowed, type Followed } from "./following.js";
import { useClient } from "./provider.js";
import { keys, LIVE, useChange, usePages, useRead, type Changed, type Pages, type Read, type ReadOptions } from "./reading.js";

export function useStatus(options?: ReadOptions): Read<Status> {
  return useRead(keys("status"), (asking) => api.getStatus(asking), options);
}

/** What an apply would do now. */
export function usePlan(options?: ReadOptions): Read<PlanDocument> {
  return useRead(keys("plan"), (asking) => api.getPlan(asking), options);
}

/** The statements that applying the plan would run, by unit. */
export function usePlanSql(options?: ReadOptions): Read<PlanSql> {
  return useRead(keys("plan", "sql"), (asking) => api.getPlanSql(asking), options);
}

export function useDrift(options?: ReadOptions): Read<DriftItem[]> {
  return useRead(keys("drift"), async (asking) => ({ data: (await api.listDrift(asking)).data.items }), options);
}

/** `planId`: only if the plan is still that one. `allow` lets hazards pass. */
export interface ApplyWish {
  readonly planId?: string;
  readonly allow?: readonly string[];
  readonly reason?: string;
}

export interface WorkOptions {
  readonly onProgress?: (operation: Operation) => void;
}

/** Applies the plan, and answers once that has ended; where it failed with the reason as an error. */
export function useReconcile(options: WorkOptions = {}): Changed<Operation, ApplyWish> {
  return useChange(async (client, wish) => {
    const started = await api.reconcile({ client: client.api, throwOnError: true, body: bodyOf(wish) });
    return client.endOfOperation(started.data.id, options);
  }, LIVE);
}

/** What going back to the state of a revision would do; null: to the one before the newest. */
export function useRollbackPlan(revision: number | null, options?: ReadOptions): Read<PlanDocument> {
  return useRead(
    keys("plan", "rollback", revision),
    (asking) => api.planRollback({ ...asking, query: revision === null ? {} : { revision } }),
    options,
  );
}

/** Goes back, and answers once that has ended. */
export function useRollback(options: WorkOptions = {}): Changed<Operation, ApplyWish & { readonly revision: number | null }> {
  return useChange(async (client, wish) => {
    const body = { ...bodyOf(wish), revision: wish.revision };
    const started = await api.rollback({ client: client.api, throwOnError: true, body });
    return client.endOfOperation(started.data.id, options);
  }, LIVE);
}

/** Long work, the newest first. */
export function useOperations(options?: ReadOptions): Pages<Operation> {
  return usePages(keys("operations", "list"), (asking, cursor) => api.listOperations({ ...asking, query: cursor }), options);
}

export function useOperation(id: string, options?: ReadOptions): Read<Operation> {
  return useRead(keys("operations", "one", id), (asking) => api.getOperation({ ...asking, path: { id } }), options);
}

/** Long work live. Without an id nothing is asked. */
export function useOperationEvents(id: string | undefined): Omit<Followed<Operation>, "seen"> & { operation: Operation | undefined } {
  const client = useClient();
  const { seen, phase, error } = useFollowed(id, (work, signal) => client.followOperation(work, { signal }));
  return { operation: seen, phase, error };
}

/** What was applied, the newest first. */
export function useRevisions(options?: ReadOptions): Pages<RevisionSummary> {
  return usePages(keys("revisions", "list"), (asking, cursor) => api.listRevisions({ ...asking, query: cursor as never }), options);
}

export function useRevision(number: number, options?: ReadOptions): Read<RevisionDetail> {
  return useRead(keys("revisions", "one", number), (asking) => api.getRevision({ ...asking, path: { number } }), options);
}

/** What was parked instead of destroyed; `all`: what was restored or purged since as well. */
export function useArchives(filter: { readonly all?: boolean } = {}, options?: ReadOptions): Read<ArchiveRecord[]> {
  return useRead(
    keys("archives", filter),
    async (asking) => ({ data: (await api.listArchives({ ...asking, query: filter })).data.items }),
    options,
  );
}

export interface ArchiveWish {
  readonly number: number;
  readonly reason?: string;
}

export function useRestoreArchive(): Changed<Done, ArchiveWish> {
  return useChange(async ({ api: client }, wish) => (await api.restoreArchive({ client, throwOnError: true, ...archive(wish) })).data);
}

/** Destroys what was parked. */
export function usePurgeArchive(): Changed<Done, ArchiveWish> {
  return useChange(async ({ api: client }, wish) => (await api.purgeArchive({ client, throwOnError: true, ...archive(wish) })).data);
}

function archive(wish: ArchiveWish) {
  return { path: { number: wish.number }, query: wish.reason === undefined ? {} : { reason: wish.reason } };
}

function bodyOf(wish: ApplyWish): { plan_id?: string; allow?: string[]; reason?: string } {
  return {
    ...(wish.planId === undefined ? {} : { plan_id: wish.planId }),
    ...(wish.allow === undefined ? {} : { allow: [...wish.allow] }),
    ...(wish.reason === undefined ? {} : { reason: wish.reason }),
  };
}

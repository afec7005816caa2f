/** What every hook does: reads one thing, reads pages, or changes something and has what it touched read anew. */
import {
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type InfiniteData,
  type QueryKey,
  type UseInfiniteQueryResult,
  type UseMutationResult,
  type UseQueryResult,
} from "@tanstack/react-query";
import type { Page } from "../api.js";
import type { Client } from "../client.js";
import type { Client as ApiClient } from "../generated/client/index.js";
import type { ApiError } from "../problems.js";
import { useClient } from "./provider.js";

export type Topic =
  | "agents"
  | "agent-types"
  | "archives"
  | "audit"
  | "builder"
  | "caller"
  | "catalog"
  | "deletion"
  | "drift"
  | "incidents"
  | "operations"
  | "plan"
  | "results"
  | "revisions"
  | "status"
  | "tasks";

/** A key of the cache: of everything, of a topic, or of one thing in it. What is invalidated is what begins so. */
export function keys(...parts: readonly [] | readonly [Topic, ...unknown[]]): QueryKey {
  return ["reconciler", ...parts];
}

/** What a change of the source or the tables may change. */
export const LIVE: readonly Topic[] = [
  "agents",
  "agent-types",
  "archives",
  "audit",
  "deletion",
  "drift",
  "operations",
  "plan",
  "results",
  "revisions",
  "status",
];

export interface ReadOptions {
  /** False: nothing is asked. */
  readonly enabled?: boolean;
  /** Milliseconds after which it is asked for again. */
  readonly refetchInterval?: number | false;
}

export interface Asking {
  readonly client: ApiClient;
  readonly signal: AbortSignal;
  readonly throwOnError: true;
}

export type Read<Answer> = UseQueryResult<Answer, ApiError>;
export type Pages<Item> = UseInfiniteQueryResult<InfiniteData<Page<Item>>, ApiError>;
export type Changed<Answer, Variables> = UseMutationResult<Answer, ApiError, Variables>;

export function useRead<Answer>(
  queryKey: QueryKey,
  ask: (asking: Asking) => Promise<{ data: Answer }>,
  options: ReadOptions & { readonly initialData?: Answer } = {},
): Read<Answer> {
  const { api } = useClient();
  return useQuery<Answer, ApiError>({
    queryKey,
    queryFn: async ({ signal }) => (await ask({ client: api, signal, throwOnError: true })).data,
    ...(options as ReadOptions),
  });
}

/** `ask` gets the cursor of the page it is to read; the first has none. */
export function usePages<Item>(
  queryKey: QueryKey,
  ask: (asking: Asking, cursor: { cursor?: string }) => Promise<{ data: Page<Item> }>,
  options: ReadOptions = {},
): Pages<Item> {
  const { api } = useClient();
  return useInfiniteQuery<Page<Item>, ApiError, InfiniteData<Page<Item>>, QueryKey, string | undefined>({
    queryKey,
    queryFn: async ({ pageParam, signal }) => {
      const cursor = pageParam === undefined ? {} : { cursor: pageParam };
      return (await ask({ client: api, signal, throwOnError: true }, cursor)).data;
    },
    initialPageParam: undefined,
    getNextPageParam: (last) => last.next || undefined,
    ...options,
  });
}

/** What the pages hold that have been read so far. */
export function itemsOf<Item>(data: InfiniteData<Page<Item>> | undefined): Item[] {
  return data?.pages.flatMap((page) => page.items) ?? [];
}

export function useChange<Answer, Variables>(
  act: (client: Client, variables: Variables) => Promise<Answer>,
  touched: readonly Topic[] = LIVE,
): Changed<Answer, Variables> {
  const client = useClient();
  const cache = useQueryClient();
  return useMutation<Answer, ApiError, Variables>({
    mutationFn: (variables) => act(client, variables),
    onSettled: async () => {
      await Promise.all(touched.map((topic) => cache.invalidateQueries({ queryKey: keys(topic) })));
    },
  });
}

/** React hooks on TanStack Query. Wrap what uses them in `AgentsProvider`, inside a `QueryClientProvider`. */
import {
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type InfiniteData,
  type UseInfiniteQueryResult,
  type UseMutationResult,
  type UseQueryResult,
} from "@tanstack/react-query";
import {
  createContext,
  createElement,
  useContext,
  useEffect,
  useState,
  type ReactElement,
  type ReactNode,
} from "react";
import { hasEnded, type JsonValue, type Page, type SubmittedTask, type TaskLine, type TaskRecord } from "./api.js";
import type { ApiError, Client, InputOf, ModelOf, OutputOf, ResultQuery, RowOf, SubmitOptions, TypeName } from "./client.js";

const ClientContext = createContext<Client | null>(null);

export function AgentsProvider(props: { client: Client; children?: ReactNode }): ReactElement {
  return createElement(ClientContext.Provider, { value: props.client }, props.children);
}

export function useClient(): Client {
  const client = useContext(ClientContext);
  if (client === null) throw new Error("useClient: there is no <AgentsProvider> above");
  return client;
}

/** Keys of the cache, for those who invalidate it themselves. */
export const keys = {
  agents: () => ["reconciler", "agents"] as const,
  plan: () => ["reconciler", "plan"] as const,
  task: (id: string) => ["reconciler", "task", id] as const,
  results: (agent: string, model?: string, query?: unknown) =>
    model === undefined
      ? (["reconciler", "results", agent] as const)
      : (["reconciler", "results", agent, model, query] as const),
  status: () => ["reconciler", "status"] as const,
};

/** Submits a task and waits for its end; rows of the agent are asked for anew then. */
export function useRunTask<T extends TypeName>(
  type: T,
  agent: string,
  options?: SubmitOptions<T>,
): UseMutationResult<TaskRecord<OutputOf<T>>, ApiError, InputOf<T>> {
  const client = useClient();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (input: InputOf<T>) => client.runTask(type, agent, input, options),
    onSettled: () => cache.invalidateQueries({ queryKey: keys.results(agent) }),
  });
}

/** Submits a task and returns at once; `useTask` follows it. */
export function useSubmitTask<T extends TypeName>(
  type: T,
  agent: string,
  options?: SubmitOptions<T>,
): UseMutationResult<SubmittedTask, ApiError, InputOf<T>> {
  const client = useClient();
  return useMutation({ mutationFn: (input: InputOf<T>) => client.submitTask(type, agent, input, options) });
}

/** A task, looked at until it has ended. Without an id nothing is asked. */
export function useTask<T extends TypeName>(
  type: T,
  id: string | undefined,
  interval = 1000,
): UseQueryResult<TaskRecord<OutputOf<T>>, ApiError> {
  const client = useClient();
  return useQuery<TaskRecord<OutputOf<T>>, ApiError>({
    queryKey: keys.task(id ?? ""),
    queryFn: ({ signal }) => client.getTask(type, id ?? "", { signal }),
    enabled: id !== undefined,
    refetchInterval: (query) => (query.state.data && hasEnded(query.state.data.state) ? false : interval),
  });
}

export interface Followed<Output> {
  /** What the task is now; with all that came of it once it has ended. */
  readonly task: TaskLine | TaskRecord<Output> | undefined;
  readonly error: Error | undefined;
}

/** A task live, as the server tells of it. Without an id nothing is asked. */
export function useFollowTask<T extends TypeName>(type: T, id: string | undefined): Followed<OutputOf<T>> {
  const client = useClient();
  const [seen, setSeen] = useState<Followed<OutputOf<T>> & { id?: string | undefined }>({
    task: undefined,
    error: undefined,
  });
  useEffect(() => {
    if (id === undefined) return undefined;
    const left = new AbortController();
    const follow = async (): Promise<void> => {
      try {
        for await (const task of client.followTask(type, id, { signal: left.signal })) {
          if (!left.signal.aborted) setSeen({ id, task, error: undefined });
        }
      } catch (error) {
        if (!left.signal.aborted) setSeen({ id, task: undefined, error: error as Error });
      }
    };
    void follow();
    return () => left.abort();
  }, [client, type, id]);
  // What was seen of another task is not told of this one.
  return seen.id === id ? seen : { task: undefined, error: undefined };
}

/** Of a task that is cancelled no rows are kept. */
export function useCancelTask(): UseMutationResult<{ id: string; state: string }, ApiError, string> {
  const client = useClient();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => client.cancelTask(id),
    onSettled: (_answer, _error, id) => cache.invalidateQueries({ queryKey: keys.task(id) }),
  });
}

/** Rows of an agent, page after page. */
export function useResults<T extends TypeName, M extends ModelOf<T>>(
  type: T,
  agent: string,
  model: M,
  query: Omit<ResultQuery<RowOf<T, M>>, "cursor" | "signal"> = {},
): UseInfiniteQueryResult<InfiniteData<Page<RowOf<T, M>>>, ApiError> {
  const client = useClient();
  return useInfiniteQuery<
    Page<RowOf<T, M>>,
    ApiError,
    InfiniteData<Page<RowOf<T, M>>>,
    readonly unknown[],
    string | undefined
  >({
    queryKey: keys.results(agent, model, query),
    queryFn: ({ pageParam, signal }) =>
      client.listResults(type, agent, model, {
        ...query,
        signal,
        ...(pageParam === undefined ? {} : { cursor: pageParam }),
      }),
    initialPageParam: undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  });
}

export function useAgents(): UseQueryResult<Page<Record<string, JsonValue>>, ApiError> {
  return useJson(keys.agents(), "/api/v1/agents");
}

export function usePlan(): UseQueryResult<Record<string, JsonValue>, ApiError> {
  return useJson(keys.plan(), "/api/v1/plan");
}

export function useStatus(): UseQueryResult<Record<string, JsonValue>, ApiError> {
  return useJson(keys.status(), "/api/v1/status");
}

function useJson<Answer>(queryKey: readonly unknown[], path: string): UseQueryResult<Answer, ApiError> {
  const client = useClient();
  return useQuery<Answer, ApiError>({
    queryKey,
    queryFn: ({ signal }) => client.request<Answer>("GET", path, { signal }),
  });
}

/** Tasks: submitted, run to their end, followed live, cancelled, tried again. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { hasEnded, type TaskRecord } from "../api.js";
import type { InputOf, OutputOf, SubmitOptions, TypeName } from "../client.js";
import * as api from "../generated/sdk.gen.js";
import type { Cancelled, ListTasksData, Redriven, SubmittedTask, TaskLine } from "../generated/types.gen.js";
import type { ApiError } from "../problems.js";
import { useFollowed, type Phase } from "./following.js";
import { useClient } from "./provider.js";
import { keys, useChange, usePages, type Changed, type Pages, type Read, type ReadOptions } from "./reading.js";

export type TaskFilter = Omit<NonNullable<ListTasksData["query"]>, "cursor">;

/** The newest first. */
export function useTasks(filter: TaskFilter = {}, options?: ReadOptions): Pages<TaskLine> {
  return usePages(
    keys("tasks", "list", filter),
    (asking, cursor) => api.listTasks({ ...asking, query: { ...filter, ...cursor } }),
    options,
  );
}

/** A task, looked at until it has ended. Without an id nothing is asked. */
export function useTask<T extends TypeName = TypeName>(
  id: string | undefined,
  options: ReadOptions = {},
): Read<TaskRecord<OutputOf<T>>> {
  const client = useClient();
  return useQuery<TaskRecord<OutputOf<T>>, ApiError>({
    queryKey: keys("tasks", "one", id ?? ""),
    queryFn: ({ signal }) => client.getTask("" as T, id ?? "", { signal }),
    enabled: id !== undefined && options.enabled !== false,
    refetchInterval: (query) =>
      query.state.data && hasEnded(query.state.data.state) ? false : (options.refetchInterval ?? 1000),
  });
}

/** Submits a task and returns at once; `useTaskEvents` follows it. */
export function useSubmitTask<T extends TypeName>(
  type: T,
  agent: string,
  options?: SubmitOptions<T>,
): Changed<SubmittedTask, InputOf<T>> {
  return useChange((client, input) => client.submitTask(type, agent, input, options), ["tasks"]);
}

/** Submits a task and waits for its end; rows of the agent are asked for anew then. */
export function useRunTask<T extends TypeName>(
  type: T,
  agent: string,
  options?: SubmitOptions<T>,
): Changed<TaskRecord<OutputOf<T>>, InputOf<T>> {
  return useChange((client, input) => client.runTask(type, agent, input, options), ["tasks", "results", "status"]);
}

export interface TaskEvents<Output> {
  /** What the task is now; with all that came of it once it has ended. */
  readonly task: TaskLine | TaskRecord<Output> | undefined;
  readonly phase: Phase;
  readonly error: ApiError | undefined;
}

/** A task live, as the server tells of it: broken connections are taken up again. Without an id nothing is asked. */
export function useTaskEvents<T extends TypeName = TypeName>(
  id: string | undefined,
  onEnd?: (task: TaskRecord<OutputOf<T>>) => void,
): TaskEvents<OutputOf<T>> {
  const client = useClient();
  const cache = useQueryClient();
  const { seen, phase, error } = useFollowed(
    id,
    (task, signal) => client.followTask("" as T, task, { signal }),
    (task) => {
      if (!("output" in task)) return;
      cache.setQueryData(keys("tasks", "one", id ?? ""), task);
      for (const topic of ["results", "status"] as const) void cache.invalidateQueries({ queryKey: keys(topic) });
      void cache.invalidateQueries({ queryKey: keys("tasks", "list") });
      onEnd?.(task);
    },
  );
  return { task: seen, phase, error };
}

/** Of a task that is cancelled no rows are kept. */
export function useCancelTask(): Changed<Cancelled, string> {
  return useChange((client, id) => client.cancelTask(id), ["tasks", "status"]);
}

/** Lets a task that used up its attempts be tried again. */
export function useRedriveTask(): Changed<Redriven, string> {
  return useChange((client, id) => client.redriveTask(id), ["tasks", "status"]);
}

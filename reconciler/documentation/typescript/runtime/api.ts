/** What every instance has in common: pages, tasks, problems. */

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** Some of a list. `next` is the cursor of what follows, null at the end. */
export interface Page<T> {
  items: T[];
  next: string | null;
  /** How many there are in all, where that was asked for. */
  total?: number | null;
}

export type TaskState = "pending" | "running" | "succeeded" | "failed" | "cancelled" | "dead_letter";

/** `created` is false where a task of that idempotency key had been submitted before. */
export interface SubmittedTask {
  id: string;
  state: TaskState;
  created: boolean;
}

/** A task as it is in lists and events. */
export interface TaskLine {
  id: string;
  agent: string;
  type: string;
  type_version: string;
  state: TaskState;
  attempts: number;
  max_attempts: number;
  submitted_at: string;
  started_at: string | null;
  finished_at: string | null;
  error_code: string | null;
  error_message: string | null;
  tokens: number;
}

/** A task with all that came of it. */
export interface TaskRecord<Output> extends TaskLine {
  output: Output | null;
  trace: TaskStep[];
  error_where: string;
  error_hint: string;
}

/** One attempt of one step; `duration` in seconds. */
export interface TaskStep {
  step: string;
  call: string;
  attempt: number;
  status: "succeeded" | "failed" | "skipped" | "fallback" | "continued" | "cancelled";
  started: number;
  duration: number;
  error_code: string;
  error: string;
  tokens: number;
  model: string;
}

export function hasEnded(state: TaskState): boolean {
  return state !== "pending" && state !== "running";
}

/** RFC 9457. `code` is stable: what programs tell errors apart by. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  hint?: string;
  trace_id?: string;
  errors?: { code: string; message: string; pointer?: string; hint?: string }[];
}

export interface SystemColumns {
  id: number;
  task_id: string | null;
  agent: string | null;
  type_version: string;
  created_at: string;
  deleted_at: string | null;
}

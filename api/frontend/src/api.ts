/** What the API speaks of: all that is generated of it, and what is clearer in other words. */
import type { ProblemDetails, SubmittedTask, TaskDetail, TaskLine, TaskState } from "./generated/types.gen.js";

export type { ProblemDetails, SubmittedTask, TaskLine, TaskState };

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** Some of a list. `next` is the cursor of what follows, null at the end. */
export interface Page<T> {
  items: T[];
  next?: string | null;
  /** How many there are in all, where that was asked for. */
  total?: number | null;
}

/** A task with all that came of it. */
export interface TaskRecord<Output> extends Omit<TaskDetail, "output" | "trace"> {
  output: Output | null;
  trace: TaskStep[];
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

/** What every row has besides its own fields. */
export interface SystemColumns {
  id: number;
  task_id: string | null;
  agent: string | null;
  type_version: string;
  created_at: string;
  deleted_at: string | null;
}

/** A hazard of a plan, as `PlanDocument` has it. */
export interface Hazard {
  code: string;
  severity: string;
  address: string;
  rows: number | null;
  message: string;
  suggestion: string;
}

/** A change of a plan or a revision. `before` and `after` are manifests, or null where there is none. */
export interface Change {
  action: string;
  kind: string;
  address: string;
  reason: string;
  before: JsonObject | null;
  after: JsonObject | null;
  hazards: Hazard[];
}

/** JSON Schemas of what goes into a type and what comes out of it. */
export interface TypeSchemas {
  input: JsonSchema;
  settings: JsonSchema;
  output: JsonSchema;
  models: Record<string, JsonSchema>;
}

/** As much of JSON Schema as the API uses. */
export interface JsonSchema {
  type?: string | string[];
  title?: string;
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  anyOf?: JsonSchema[];
  enum?: string[];
  items?: JsonSchema;
  format?: string;
  pattern?: string;
  default?: JsonValue;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  contentEncoding?: string;
  "x-sensitive"?: boolean;
}

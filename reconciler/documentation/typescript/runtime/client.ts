/** A client on `fetch`, typed by the agent types of one instance. */
import {
  hasEnded,
  type JsonValue,
  type Page,
  type Problem,
  type SubmittedTask,
  type TaskLine,
  type TaskRecord,
  type TaskState,
} from "./api.js";
import { eventsOf } from "./events.js";
import type { AgentTypes } from "./types.js";

export type TypeName = keyof AgentTypes & string;
export type InputOf<T extends TypeName> = AgentTypes[T]["input"];
export type SettingsOf<T extends TypeName> = AgentTypes[T]["settings"];
export type OutputOf<T extends TypeName> = AgentTypes[T]["output"];
export type ModelOf<T extends TypeName> = keyof AgentTypes[T]["rows"] & string;
export type RowOf<T extends TypeName, M extends ModelOf<T>> = AgentTypes[T]["rows"][M];

/** Fails to compile once the type is there in another version: `type Checked = Pinned<"notes", "1.0.0">`. */
export type Pinned<T extends TypeName, V extends AgentTypes[T]["version"]> = V;

export interface ClientOptions {
  readonly baseUrl: string;
  /** The key, or what gives it for each request. */
  readonly apiKey?: string | (() => string | Promise<string>);
  readonly fetch?: typeof globalThis.fetch;
}

export interface RequestOptions {
  readonly signal?: AbortSignal;
}

export interface SubmitOptions<T extends TypeName> extends RequestOptions {
  /** Settings for this one task. */
  readonly settings?: Partial<SettingsOf<T>>;
  /** Submitted twice under one key, it is one task. */
  readonly idempotencyKey?: string;
}

export interface WaitOptions extends RequestOptions {
  /** Milliseconds between two looks at most. */
  readonly interval?: number;
}

export type Filters<Row> = {
  readonly [F in keyof Row & string]?: Row[F] | Readonly<Record<string, JsonValue>>;
};

export interface ResultQuery<Row> extends RequestOptions {
  readonly filter?: Filters<Row>;
  /** Fields to sort by; `-` before one sorts downwards. */
  readonly sort?: readonly ((keyof Row & string) | `-${keyof Row & string}`)[];
  readonly limit?: number;
  readonly cursor?: string;
}

/** What the server answered instead of what was asked for. */
export class ApiError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.name = "ApiError";
    this.problem = problem;
  }

  get code(): string {
    return this.problem.code;
  }

  get status(): number {
    return this.problem.status;
  }
}

export interface Client {
  readonly baseUrl: string;
  submitTask<T extends TypeName>(
    type: T,
    agent: string,
    input: InputOf<T>,
    options?: SubmitOptions<T>,
  ): Promise<SubmittedTask>;
  getTask<T extends TypeName>(type: T, id: string, options?: RequestOptions): Promise<TaskRecord<OutputOf<T>>>;
  /** The task once it has ended, however that was. */
  waitForTask<T extends TypeName>(type: T, id: string, options?: WaitOptions): Promise<TaskRecord<OutputOf<T>>>;
  /** Submits a task and waits for its end. */
  runTask<T extends TypeName>(
    type: T,
    agent: string,
    input: InputOf<T>,
    options?: SubmitOptions<T> & WaitOptions,
  ): Promise<TaskRecord<OutputOf<T>>>;
  cancelTask(id: string, reason?: string): Promise<{ id: string; state: TaskState }>;
  /** Lets a task that used up its attempts be tried again. */
  redriveTask(id: string): Promise<{ tasks: string[] }>;
  /** The task live, whenever it has become something else; what came of it comes last. */
  followTask<T extends TypeName>(
    type: T,
    id: string,
    options?: RequestOptions,
  ): AsyncGenerator<TaskLine | TaskRecord<OutputOf<T>>, void, undefined>;
  listResults<T extends TypeName, M extends ModelOf<T>>(
    type: T,
    agent: string,
    model: M,
    query?: ResultQuery<RowOf<T, M>>,
  ): Promise<Page<RowOf<T, M>>>;
  /** All rows, page after page. */
  allResults<T extends TypeName, M extends ModelOf<T>>(
    type: T,
    agent: string,
    model: M,
    query?: ResultQuery<RowOf<T, M>>,
  ): AsyncGenerator<RowOf<T, M>, void, undefined>;
  /** Any other request of the API; `path` begins with `/api/v1/`. */
  request<Answer>(method: string, path: string, options?: RawOptions): Promise<Answer>;
}

export interface RawOptions extends RequestOptions {
  readonly body?: unknown;
  readonly query?: URLSearchParams;
  readonly headers?: Readonly<Record<string, string>>;
}

export function createClient(options: ClientOptions): Client {
  const baseUrl = options.baseUrl.replace(/\/+$/, "");
  const send = options.fetch ?? globalThis.fetch.bind(globalThis);

  async function answered(method: string, path: string, raw: RawOptions): Promise<Response> {
    const headers = new Headers({ Accept: "application/json", ...raw.headers });
    const key = typeof options.apiKey === "function" ? await options.apiKey() : options.apiKey;
    if (key) headers.set("Authorization", `Bearer ${key}`);
    const init: RequestInit = { method, headers };
    if (raw.signal) init.signal = raw.signal;
    if (raw.body !== undefined) {
      headers.set("Content-Type", "application/json");
      init.body = JSON.stringify(raw.body);
    }
    const query = raw.query?.toString();
    const response = await send(`${baseUrl}${path}${query ? `?${query}` : ""}`, init);
    if (!response.ok) throw new ApiError(await problemOf(response));
    return response;
  }

  async function request<Answer>(method: string, path: string, raw: RawOptions = {}): Promise<Answer> {
    const response = await answered(method, path, raw);
    return (response.status === 204 ? undefined : await response.json()) as Answer;
  }

  const client: Client = {
    baseUrl,
    request,
    submitTask: (type, agent, input, given = {}) =>
      request("POST", `/api/v1/agents/${encodeURIComponent(agent)}/tasks`, {
        ...carried(given),
        body: given.settings === undefined ? { input } : { input, settings: given.settings },
        headers: given.idempotencyKey === undefined ? {} : { "Idempotency-Key": given.idempotencyKey },
      }),
    getTask: (type, id, given = {}) => request("GET", `/api/v1/tasks/${encodeURIComponent(id)}`, carried(given)),
    async waitForTask(type, id, given = {}) {
      const longest = given.interval ?? 2000;
      for (let wait = Math.min(100, longest); ; wait = Math.min(wait * 2, longest)) {
        const task = await client.getTask(type, id, carried(given));
        if (hasEnded(task.state)) return task;
        await pause(wait, given.signal);
      }
    },
    async runTask(type, agent, input, given = {}) {
      const task = await client.submitTask(type, agent, input, given);
      return client.waitForTask(type, task.id, given);
    },
    cancelTask: (id, reason) =>
      request("POST", `/api/v1/tasks/${encodeURIComponent(id)}/cancel`, {
        query: new URLSearchParams(reason === undefined ? {} : { reason }),
      }),
    redriveTask: (id) => request("POST", `/api/v1/tasks/${encodeURIComponent(id)}/redrive`),
    async *followTask(type, id, given = {}) {
      const path = `/api/v1/tasks/${encodeURIComponent(id)}/events`;
      const response = await answered("GET", path, { ...carried(given), headers: { Accept: "text/event-stream" } });
      if (response.body === null) return;
      for await (const event of eventsOf(response.body)) {
        yield JSON.parse(event.data) as TaskLine;
        if (event.name === "end") return;
      }
    },
    listResults: (type, agent, model, given = {}) =>
      request("GET", `/api/v1/agents/dynamic/${encodeURIComponent(agent)}/results`, {
        ...carried(given),
        query: searchOf(model, given),
      }),
    async *allResults(type, agent, model, given = {}) {
      let cursor = given.cursor;
      do {
        const page = await client.listResults(type, agent, model, cursor === undefined ? given : { ...given, cursor });
        yield* page.items;
        cursor = page.next ?? undefined;
      } while (cursor !== undefined);
    },
  };
  return client;
}

function carried(options: RequestOptions): RequestOptions {
  return options.signal ? { signal: options.signal } : {};
}

function searchOf<Row>(model: string, query: ResultQuery<Row>): URLSearchParams {
  const search = new URLSearchParams({ model });
  for (const [field, wanted] of Object.entries(query.filter ?? {})) {
    if (wanted === undefined) continue;
    const operators: Record<string, unknown> =
      typeof wanted === "object" && wanted !== null && !Array.isArray(wanted)
        ? (wanted as Record<string, unknown>)
        : { eq: wanted };
    for (const [operator, value] of Object.entries(operators)) {
      search.append(`filter[${field}][${operator}]`, typeof value === "string" ? value : JSON.stringify(value));
    }
  }
  if (query.sort?.length) search.set("sort", query.sort.join(","));
  if (query.limit !== undefined) search.set("limit", String(query.limit));
  if (query.cursor !== undefined) search.set("cursor", query.cursor);
  return search;
}

async function problemOf(response: Response): Promise<Problem> {
  const fallback: Problem = {
    type: "about:blank",
    title: response.statusText,
    status: response.status,
    code: "http",
    detail: `the server answered ${response.status}`,
  };
  try {
    return { ...fallback, ...((await response.json()) as Partial<Problem>) };
  } catch {
    return fallback;
  }
}

function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

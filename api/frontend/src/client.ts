/** A client typed by the agent types there are, around the one that is generated of the API. */
import { hasEnded, type JsonValue, type Page, type TaskRecord } from "./api.js";
import { eventsOf, followed, pause, type FollowOptions } from "./events.js";
import { createClient as createApiClient, type Client as ApiClient } from "./generated/client/index.js";
import { cancelTask, getTask, redriveTask, submitTask } from "./generated/sdk.gen.js";
import type { Cancelled, Operation, Redriven, Reply, SubmittedTask, TaskLine } from "./generated/types.gen.js";
import type { AgentTypes } from "./instance/types.js";
import { ApiError, apiError } from "./problems.js";

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
  readonly apiKey?: string | (() => string | undefined | Promise<string | undefined>);
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
  /** Tell how many there are in all. */
  readonly count?: boolean;
}

/** `measure` is `count`, or `sum.`, `avg.`, `min.`, `max.` and a field. */
export interface GroupQuery<Row> extends RequestOptions {
  readonly filter?: Filters<Row>;
  readonly group?: readonly (keyof Row & string)[];
  readonly measure?: readonly string[];
  readonly limit?: number;
}

/** A piece of what the builder says, or at the end all of it. */
export type Spoken = { readonly piece: string } | { readonly reply: Reply };

export interface Client {
  readonly baseUrl: string;
  /** For the generated functions, one for each operation: `getPlan({ client: client.api, throwOnError: true })`. */
  readonly api: ApiClient;
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
  cancelTask(id: string, reason?: string): Promise<Cancelled>;
  /** Lets a task that used up its attempts be tried again. */
  redriveTask(id: string): Promise<Redriven>;
  /** The task live, whenever it has become something else; what came of it comes last. */
  followTask<T extends TypeName>(
    type: T,
    id: string,
    options?: FollowOptions,
  ): AsyncGenerator<TaskLine | TaskRecord<OutputOf<T>>, void, undefined>;
  /** Long work live, until it has ended, however that was. */
  followOperation(id: string, options?: FollowOptions): AsyncGenerator<Operation, void, undefined>;
  /** What came of long work. Throws ApiError where that is a failure. */
  endOfOperation(id: string, options?: FollowOptions & ProgressOptions): Promise<Operation>;
  /** One turn of a conversation with the builder, as it is said. */
  sayToBuilder(session: string, text: string, options?: SayOptions): AsyncGenerator<Spoken, void, undefined>;
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
  /** Rows counted and summed up, an item for each group. */
  groupResults<T extends TypeName, M extends ModelOf<T>>(
    type: T,
    agent: string,
    model: M,
    query: GroupQuery<RowOf<T, M>>,
  ): Promise<Page<Record<string, JsonValue>>>;
  /** Any other request of the API; `path` begins with `/api/v1/`. */
  request<Answer>(method: Method, path: string, options?: RawOptions): Promise<Answer>;
}

export type Method = "GET" | "POST" | "PUT" | "DELETE";

export interface ProgressOptions {
  readonly onProgress?: (operation: Operation) => void;
}

export interface SayOptions extends RequestOptions {
  /** Only if nobody else has spoken since. */
  readonly version?: number;
}

export interface RawOptions extends RequestOptions {
  readonly body?: unknown;
  readonly query?: URLSearchParams;
  readonly headers?: Readonly<Record<string, string>>;
}

const EVENTS = "text/event-stream";

export function createClient(options: ClientOptions): Client {
  const baseUrl = options.baseUrl.replace(/\/+$/, "");
  const api = createApiClient({
    baseUrl,
    auth: async ({ scheme }) => {
      if (scheme !== "bearer") return undefined;
      return typeof options.apiKey === "function" ? await options.apiKey() : options.apiKey;
    },
    headers: { Accept: "application/json" },
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  });
  api.interceptors.error.use((error, response) => apiError(error, response));

  async function request<Answer>(method: Method, path: string, raw: RawOptions = {}): Promise<Answer> {
    const { data } = await api.request<Answer, unknown, true>({ ...sent(path, raw), method, throwOnError: true });
    return data as Answer;
  }

  async function stream(method: Method, path: string, raw: RawOptions): Promise<ReadableStream<Uint8Array>> {
    const headers = { ...raw.headers, Accept: EVENTS };
    const asked = { ...sent(path, { ...raw, headers }), method, parseAs: "stream" as const, throwOnError: true as const };
    const { data } = await api.request<ReadableStream<Uint8Array> | null, unknown, true>(asked);
    return (data as ReadableStream<Uint8Array> | null) ?? new Response("").body!;
  }

  function follow(path: string, given: FollowOptions): AsyncGenerator<{ data: string }, void, undefined> {
    const open = (last: string): Promise<ReadableStream<Uint8Array>> =>
      stream("GET", path, { ...carried(given), headers: last === "" ? {} : { "Last-Event-ID": last } });
    return followed(open, given);
  }

  const asking = (given: RequestOptions = {}) => ({ ...carried(given), client: api, throwOnError: true as const });

  const client: Client = {
    baseUrl,
    api,
    request,
    async submitTask(type, agent, input, given = {}) {
      const body = given.settings === undefined ? { input } : { input, settings: given.settings };
      const headers = given.idempotencyKey === undefined ? {} : { "Idempotency-Key": given.idempotencyKey };
      return (await submitTask({ ...asking(given), path: { id: agent }, body: body as never, headers })).data;
    },
    async getTask(type, id, given = {}) {
      const { data } = await getTask({ ...asking(given), path: { id } });
      return data as unknown as TaskRecord<OutputOf<typeof type>>;
    },
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
    async cancelTask(id, reason) {
      return (await cancelTask({ ...asking(), path: { id }, query: reason === undefined ? {} : { reason } })).data;
    },
    async redriveTask(id) {
      return (await redriveTask({ ...asking(), path: { id } })).data;
    },
    async *followTask(type, id, given = {}) {
      for await (const event of follow(`/api/v1/tasks/${encodeURIComponent(id)}/events`, given)) {
        yield JSON.parse(event.data) as TaskLine | TaskRecord<OutputOf<typeof type>>;
      }
    },
    async *followOperation(id, given = {}) {
      for await (const event of follow(`/api/v1/operations/${encodeURIComponent(id)}/events`, given)) {
        yield JSON.parse(event.data) as Operation;
      }
    },
    async endOfOperation(id, given = {}) {
      let last: Operation | undefined;
      for await (const operation of client.followOperation(id, given)) {
        last = operation;
        given.onProgress?.(operation);
      }
      if (last?.state === "succeeded") return last;
      throw new ApiError({
        type: "about:blank",
        title: `${last?.kind ?? "The work"} did not succeed`,
        status: 409,
        code: String(last?.result?.["code"] ?? last?.state ?? "interrupted"),
        detail: String(last?.result?.["detail"] ?? `it is ${last?.state ?? "gone"}`),
      });
    },
    async *sayToBuilder(session, text, given = {}) {
      const body = given.version === undefined ? { text } : { text, version: given.version };
      const path = `/api/v1/agent-builder/${encodeURIComponent(session)}/chat`;
      for await (const event of eventsOf(await stream("POST", path, { ...carried(given), body }))) {
        const data = JSON.parse(event.data) as unknown;
        yield event.name === "reply" ? { reply: data as Reply } : { piece: (data as { text: string }).text };
      }
    },
    listResults: (type, agent, model, given = {}) =>
      request("GET", resultsOf(agent), { ...carried(given), query: searchOf(model, given) }),
    async *allResults(type, agent, model, given = {}) {
      let cursor = given.cursor;
      do {
        const page = await client.listResults(type, agent, model, cursor === undefined ? given : { ...given, cursor });
        yield* page.items;
        cursor = page.next ?? undefined;
      } while (cursor !== undefined);
    },
    groupResults: (type, agent, model, given) =>
      request("GET", resultsOf(agent), { ...carried(given), query: searchOf(model, given) }),
  };
  return client;
}

function sent(path: string, raw: RawOptions) {
  const query = raw.query?.toString();
  return {
    url: query ? `${path}?${query}` : path,
    security: [{ scheme: "bearer" as const, type: "http" as const }],
    headers: { ...(raw.body === undefined ? {} : { "Content-Type": "application/json" }), ...raw.headers },
    ...carried(raw),
    ...(raw.body === undefined ? {} : { body: raw.body }),
  };
}

function carried(options: RequestOptions): RequestOptions {
  return options.signal ? { signal: options.signal } : {};
}

function resultsOf(agent: string): string {
  return `/api/v1/agents/dynamic/${encodeURIComponent(agent)}/results`;
}

function searchOf<Row>(model: string, query: ResultQuery<Row> & GroupQuery<Row>): URLSearchParams {
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
  for (const list of ["sort", "group", "measure"] as const) {
    if (query[list]?.length) search.set(list, query[list].join(","));
  }
  if (query.limit !== undefined) search.set("limit", String(query.limit));
  if (query.cursor !== undefined) search.set("cursor", query.cursor);
  if (query.count !== undefined) search.set("count", String(query.count));
  return search;
}

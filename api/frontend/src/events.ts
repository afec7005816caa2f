/** Server-sent events of a response, which unlike those of `EventSource` may need a key. */
import { ApiError } from "./problems.js";

export interface ServerEvent {
  readonly name: string;
  readonly data: string;
  readonly id: string;
}

export interface FollowOptions {
  readonly signal?: AbortSignal;
  /** Id of the last event that arrived, if some did. */
  readonly lastEventId?: string;
  /** Milliseconds before the first attempt to connect again; each further one waits twice as long. */
  readonly patience?: number;
}

const LONGEST_PAUSE = 15_000;
const ATTEMPTS = 8;

/**
 * The events of a stream until the one called `end`. A connection that breaks is opened again from the last event on.
 * Throws what opening it failed with, once that does not pass by itself.
 */
export async function* followed(
  open: (lastEventId: string) => Promise<ReadableStream<Uint8Array>>,
  options: FollowOptions = {},
): AsyncGenerator<ServerEvent, void, undefined> {
  const { signal, patience = 500 } = options;
  let last = options.lastEventId ?? "";
  for (let attempt = 0; ; attempt += 1) {
    try {
      for await (const event of eventsOf(await open(last))) {
        attempt = 0;
        if (event.id !== "") last = event.id;
        yield event;
        if (event.name === "end") return;
      }
    } catch (error) {
      if (signal?.aborted) throw error;
      if (attempt >= ATTEMPTS || (error instanceof ApiError && !error.passing)) throw error;
    }
    await pause(Math.min(patience * 2 ** attempt, LONGEST_PAUSE), signal);
  }
}

export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent, void, undefined> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      const blocks = rest.split(/\r?\n\r?\n/);
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = eventOf(block);
        if (event !== undefined) yield event;
      }
    }
  } finally {
    // Not waited for: a stream that somebody else reads as well ends only when both have left it.
    void reader.cancel().catch(() => undefined);
  }
}

/** Nothing for a block without data, such as a comment that keeps the connection open. */
function eventOf(block: string): ServerEvent | undefined {
  const fields = new Map<string, string[]>();
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const name = line.slice(0, colon);
    fields.set(name, [...(fields.get(name) ?? []), line.slice(colon + 1).replace(/^ /, "")]);
  }
  const data = fields.get("data");
  if (data === undefined) return undefined;
  return { name: fields.get("event")?.at(-1) ?? "message", data: data.join("\n"), id: fields.get("id")?.at(-1) ?? "" };
}

export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
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

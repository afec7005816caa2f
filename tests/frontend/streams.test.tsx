/** Streams that break are taken up where they broke; those that cannot be are an error. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createClient } from "reconciler-sdk";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const RUNNING = 'id: running-1\nevent: task\ndata: {"state": "running"}\n\n';
const END = 'id: succeeded-1\nevent: end\ndata: {"state": "succeeded"}\n\n';

type Answer = Response | Error;

function events(text: string): Response {
  return new Response(text, { headers: { "Content-Type": "text/event-stream" } });
}

/** States that were told of, what they ended with, and the event from which on each request asked. */
async function followed(...answers: Answer[]): Promise<{ states: string[]; failure: string; from: (string | null)[] }> {
  const from: (string | null)[] = [];
  const answer = async (request: RequestInfo | URL): Promise<Response> => {
    from.push((request as Request).headers.get("Last-Event-ID"));
    const next = answers.shift() ?? new Error("asked too often");
    if (next instanceof Error) throw next;
    return next;
  };
  const client = createClient({ baseUrl: "http://127.0.0.1:9", fetch: answer });
  const states: string[] = [];
  const listening = (async () => {
    for await (const task of client.followTask("text-processing", "1")) states.push(task.state);
    return "";
  })().catch((error: unknown) => String((error as { code?: string }).code));
  await vi.advanceTimersByTimeAsync(120_000);
  return { states, failure: await listening, from };
}

test("a stream that ends before its end is asked for again, from the last event on", async () => {
  const seen = await followed(events(RUNNING), events(": still here\n\n"), events(END));
  expect(seen).toEqual({ states: ["running", "succeeded"], failure: "", from: [null, "running-1", "running-1"] });
});

test("an event that comes in pieces is one event", async () => {
  const bytes = new TextEncoder().encode(RUNNING + END.replaceAll("\n", "\r\n"));
  const body = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  expect((await followed(new Response(body))).states).toEqual(["running", "succeeded"]);
});

test("a server that is away for a moment is asked again", async () => {
  const busy = new Response('{"code": "busy", "status": 503}', { status: 503 });
  const seen = await followed(events(RUNNING), new TypeError("refused"), busy, events(END));
  expect([seen.states, seen.failure]).toEqual([["running", "succeeded"], ""]);
});

test("what is not there is not asked for again", async () => {
  const seen = await followed(new Response('{"code": "not-found", "status": 404}', { status: 404 }));
  expect([seen.failure, seen.from.length]).toEqual(["not-found", 1]);
});

test("a server that stays away is given up", async () => {
  const seen = await followed(...Array.from({ length: 20 }, () => new TypeError("refused")));
  expect([seen.failure, seen.from.length]).toEqual(["unreachable", 9]);
});

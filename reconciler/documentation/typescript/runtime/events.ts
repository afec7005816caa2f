/** Server-sent events of a response, which unlike those of `EventSource` may need a key. */
export interface ServerEvent {
  readonly name: string;
  readonly data: string;
  readonly id: string;
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

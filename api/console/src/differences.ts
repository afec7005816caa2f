/** Where two values differ, as places with what was there and what is to be there. */

export interface Difference {
  /** `spec.pipeline.save.with.mode`: items of lists are called by their `id` or `name`. */
  readonly at: string;
  readonly before: unknown;
  readonly after: unknown;
}

export function differences(before: unknown, after: unknown, at = ""): Difference[] {
  if (same(before, after)) return [];
  const [old, now] = [named(before), named(after)];
  if (old === undefined || now === undefined) return [{ at, before, after }];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap((name) =>
    differences(old[name], now[name], at ? `${at}.${name}` : name),
  );
}

/** Members by name; nothing for what has none, such as a list of texts. */
function named(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (!Array.isArray(value)) return typeof value === "object" && value !== null ? { ...value } : undefined;
  const items: Record<string, unknown> = {};
  for (const item of value as unknown[]) {
    const { id, name } = (typeof item === "object" && item !== null ? item : {}) as { id?: unknown; name?: unknown };
    const key = id ?? name;
    if (typeof key !== "string" || Object.hasOwn(items, key)) return undefined;
    items[key] = item;
  }
  return items;
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

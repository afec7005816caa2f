/** What may be given and what would come of it, made up; see `types.ts`. */
import type { JsonObject } from "../api.js";

export interface Fixture {
  readonly input: JsonObject | null;
  readonly output: unknown;
  readonly rows: Readonly<Record<string, readonly object[]>>;
}

export const fixtures: Readonly<Record<string, Fixture>> = {};

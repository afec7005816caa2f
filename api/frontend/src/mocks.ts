/** Handlers for Mock Service Worker that answer as an instance would, from rows that keep every constraint. */
import type { HttpHandler } from "msw";
import { builderHandlers } from "./mocks/builder.js";
import { catalogHandlers } from "./mocks/catalog.js";
import { reconcilingHandlers } from "./mocks/reconciling.js";
import { taskHandlers } from "./mocks/tasks.js";
import { mockWorld, type MockOptions } from "./mocks/world.js";

export { fixtures } from "./instance/fixtures.js";
export type { MockOptions };

/** An instance in miniature: what is written is there afterwards, until the handlers are made anew. */
export function handlers(options: MockOptions): HttpHandler[] {
  const world = mockWorld(options);
  return [
    ...taskHandlers(world),
    ...catalogHandlers(world),
    ...reconcilingHandlers(world),
    ...builderHandlers(world),
  ];
}

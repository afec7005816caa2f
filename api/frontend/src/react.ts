/** React hooks on TanStack Query: one for each thing that a page shows or does. */
export * from "./hooks/agents.js";
export * from "./hooks/builder.js";
export * from "./hooks/deletion.js";
export type { Followed, Phase } from "./hooks/following.js";
export * from "./hooks/oversight.js";
export * from "./hooks/provider.js";
export { itemsOf, keys, type Changed, type Pages, type Read, type ReadOptions, type Topic } from "./hooks/reading.js";
export * from "./hooks/reconciling.js";
export * from "./hooks/results.js";
export * from "./hooks/tasks.js";

/** The client, and the types of the API and of the agent types there are. */
export * from "./api.js";
export * from "./client.js";
export type { ClientOptions } from "./client.js"; // the generated one is for its own client
export type { FollowOptions } from "./events.js";
export * from "./generated/sdk.gen.js";
export type * from "./generated/types.gen.js";
export * from "./instance/types.js";
export { ApiError } from "./problems.js";

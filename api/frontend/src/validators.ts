/** Validators in zod: of what the API takes and gives, and of the agent types there are. */
export * as api from "./generated/zod.gen.js";
export * from "./instance/validators.js";

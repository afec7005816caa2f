/** Validators in zod: of what the API takes and gives, of the agent types there are, and of any JSON Schema of theirs. */
export * as api from "./generated/zod.gen.js";
export * from "./instance/validators.js";
export { validatorOf } from "./json_schema.js";

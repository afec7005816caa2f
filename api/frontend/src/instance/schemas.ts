/** JSON Schemas of the agent types there are; see `types.ts`. Of types that are not here the server is asked. */
import type { TypeSchemas } from "../api.js";

export const schemas: Readonly<Record<string, TypeSchemas>> = {};

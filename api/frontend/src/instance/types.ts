/**
 * The agent types there are. Nothing is known of them here, so that every type has the shape of any JSON; the package
 * that `reconcile sdk typescript` writes has the types of its instance in this place.
 */
import type { JsonObject, SystemColumns } from "../api.js";

export interface AnyRow extends SystemColumns {
  [field: string]: JsonObject[string];
}

export interface AnyType {
  version: string;
  input: JsonObject;
  settings: JsonObject;
  output: JsonObject;
  rows: { [model: string]: AnyRow };
}

/** Types by name. */
export interface AgentTypes {
  [type: string]: AnyType;
}

export const versions: Readonly<Record<string, string>> = {};

/** What differs between two manifests, one line for each value, addressed as `spec.input.text.max_length`. */
import type { JsonValue } from "../api.js";

export interface Difference {
  readonly path: string;
  readonly sign: "+" | "-" | " ";
  readonly text: string;
}

export function differences(before: JsonValue, after: JsonValue): Difference[] {
  const [old, young] = [leaves(before), leaves(after)];
  const found: Difference[] = [];
  for (const [path, text] of old) {
    if (young.get(path) === text) continue;
    found.push({ path, sign: "-", text });
    const now = young.get(path);
    if (now !== undefined) found.push({ path, sign: "+", text: now });
  }
  for (const [path, text] of young) {
    if (!old.has(path)) found.push({ path, sign: "+", text });
  }
  return found;
}

function leaves(value: JsonValue): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (here: JsonValue, path: string): void => {
    const members = typeof here === "object" && here !== null ? Object.entries(here) : [];
    if (members.length === 0) {
      if (path !== "" || here !== null) found.set(path, typeof here === "string" ? here : JSON.stringify(here));
      return;
    }
    for (const [name, member] of members) {
      walk(member, Array.isArray(here) ? `${path}[${name}]` : path === "" ? name : `${path}.${name}`);
    }
  };
  walk(value, "");
  return found;
}

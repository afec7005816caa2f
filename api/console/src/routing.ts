/** Where one is: the part of the address after `#`, so that the server knows of one page only. */
import { useSyncExternalStore } from "react";

export interface Place {
  /** `/tasks/ID` is `["tasks", "ID"]`. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

export function usePlace(): Place {
  const hash = useSyncExternalStore(listen, () => window.location.hash);
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { path: path.split("/").filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

export function go(to: string): void {
  window.location.hash = to;
}

/** Changes what is asked for without a step in the history: filters, not places. */
export function ask(path: string, query: Readonly<Record<string, string>>): void {
  const wanted = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ""));
  const text = wanted.toString();
  window.history.replaceState(null, "", `#${path}${text ? `?${text}` : ""}`);
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}

/** The address of an object as plans and conditions call it; nothing where it has no page. */
export function pageOf(address: string): string | undefined {
  const [kind, name = "", column] = address.split("/");
  if (column !== undefined) return undefined;
  if (kind === "type") return `/types/${name}`;
  return kind === "agent" ? `/agents/${name}` : undefined;
}

function listen(changed: () => void): () => void {
  window.addEventListener("hashchange", changed);
  return () => window.removeEventListener("hashchange", changed);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

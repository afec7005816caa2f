/** What the API's own description leaves open: members of plans, traces and manifests, as far as pages show them. */

export interface PageOf<T> {
  readonly items: readonly T[];
  readonly next?: string | number | null;
  readonly total?: number | null;
}

export type Role = "viewer" | "author" | "operator" | "admin";

export interface Hazard {
  readonly code: string;
  readonly severity: string;
  readonly address: string;
  readonly rows: number | null;
  readonly message: string;
  readonly suggestion: string;
}

export interface Change {
  readonly action: "add" | "change" | "remove" | "rename" | "restore";
  readonly kind: string;
  readonly address: string;
  readonly reason: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly hazards: readonly Hazard[];
}

export interface ManifestProblem {
  readonly code: string;
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly hint?: string;
  readonly severity?: string;
}

export interface Field {
  readonly type: string;
  readonly required?: boolean;
  readonly default?: unknown;
  readonly description?: string;
  readonly values?: readonly string[];
  readonly sensitive?: boolean;
  readonly encrypted?: boolean;
  readonly [attribute: string]: unknown;
}

export type Fields = Readonly<Record<string, Field | string>>;

export interface Step {
  readonly id?: string;
  readonly tool?: string;
  readonly agent?: string;
  readonly when?: string;
  readonly for_each?: string;
  readonly parallel?: readonly Step[];
  readonly fallback?: Step;
}

export interface TypeSpec {
  readonly input?: Fields;
  readonly settings?: Fields;
  readonly models?: Readonly<Record<string, { readonly description?: string; readonly fields: Fields }>>;
  readonly output?: { readonly model?: string };
  readonly tools?: readonly { readonly name: string }[];
  readonly pipeline?: readonly Step[];
  readonly limits?: Readonly<Record<string, unknown>>;
}

export interface TraceStep {
  readonly step: string;
  readonly call: string;
  readonly attempt: number;
  readonly status: string;
  readonly started: number;
  readonly duration: number;
  readonly error_code: string;
  readonly error: string;
  readonly tokens: number;
  readonly model: string;
}

/** What the address `type/NAME` of a manifest says. */
export function specOf(manifest: unknown): TypeSpec {
  return (manifest as { spec?: TypeSpec } | null)?.spec ?? {};
}

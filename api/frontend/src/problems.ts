/** What went wrong, always in one form. */
import type { ProblemDetails } from "./generated/types.gen.js";

/** What the server answered instead of what was asked for. A server that cannot be reached has the status 0. */
export class ApiError extends Error {
  readonly problem: ProblemDetails;

  constructor(problem: ProblemDetails) {
    super(problem.detail || problem.title);
    this.name = "ApiError";
    this.problem = problem;
  }

  /** Stable: what programs tell errors apart by. */
  get code(): string {
    return this.problem.code;
  }

  get status(): number {
    return this.problem.status;
  }

  get hint(): string {
    return this.problem.hint ?? "";
  }

  /** Whether the same request may be answered otherwise in a moment. */
  get passing(): boolean {
    return this.code === "unreachable" || this.status === 429 || this.status >= 502;
  }
}

/** What a request failed with; that it was given up by whoever asked stays what it is. */
export function apiError(error: unknown, response?: Response): unknown {
  if (error instanceof ApiError) return error;
  if (response !== undefined) return new ApiError(problemOf(error, response));
  if (error instanceof Error && error.name === "AbortError") return error;
  // What `fetch` rejects with where nobody answers.
  const silent = error instanceof TypeError;
  const problem = silent
    ? { title: "No answer", code: "unreachable", detail: "the server cannot be reached" }
    : { title: "Not done", code: "client", detail: error instanceof Error ? error.message : String(error) };
  return new ApiError({ type: "about:blank", status: 0, ...problem });
}

function problemOf(body: unknown, response: Response): ProblemDetails {
  const told = typeof body === "object" && body !== null ? (body as Partial<ProblemDetails>) : {};
  return {
    type: "about:blank",
    title: response.statusText,
    status: response.status,
    code: "http",
    detail: `the server answered ${response.status}`,
    ...told,
  };
}

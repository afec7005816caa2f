/** What is shown while something is asked for, where there is nothing, and where it went wrong. */
import { ApiError } from "@reconciler/frontend";
import type { ReactNode } from "react";

export function Loading(props: { readonly what?: string }): ReactNode {
  return (
    <div className="bones" role="status" aria-label={`Loading ${props.what ?? ""}`}>
      <span />
      <span />
      <span />
    </div>
  );
}

export function Empty(props: { readonly title: string; readonly children?: ReactNode }): ReactNode {
  return (
    <div className="state">
      <h2>{props.title}</h2>
      {props.children ? <div>{props.children}</div> : null}
    </div>
  );
}

/** What went wrong, in the server's own words, with what to do about it. */
export function Failure(props: { readonly error: Error; readonly retry?: (() => void) | undefined }): ReactNode {
  const problem = props.error instanceof ApiError ? props.error.problem : undefined;
  return (
    <div className="state failure" role="alert">
      <h2>{problem ? problem.detail || problem.title : "The server does not answer"}</h2>
      {problem?.hint ? <p>{problem.hint}</p> : null}
      {problem ? null : <p>{props.error.message}. Is it running? Nothing you did is lost.</p>}
      {problem?.errors?.length ? (
        <ul className="stack tight">
          {problem.errors.map((one, index) => (
            <li key={index}>
              {one.pointer ? <code>{one.pointer}</code> : null} {one.message}
            </li>
          ))}
        </ul>
      ) : null}
      <div className="row">
        {props.retry ? (
          <button type="button" className="small" onClick={props.retry}>
            Try again
          </button>
        ) : null}
        {problem ? (
          <small>
            <code>{problem.code}</code>
          </small>
        ) : null}
      </div>
    </div>
  );
}

/** The answer once it is there; else what is to be said instead. */
export function Answered<T>(props: {
  readonly of: { readonly data: T | undefined; readonly error: Error | null; refetch(): unknown };
  readonly what: string;
  readonly children: (answer: T) => ReactNode;
}): ReactNode {
  const { of, what, children } = props;
  if (of.data !== undefined) return children(of.data);
  if (of.error) return <Failure error={of.error} retry={() => void of.refetch()} />;
  return <Loading what={what} />;
}

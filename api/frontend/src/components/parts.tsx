/** Small things that all components are made of. */
import type { ReactElement, ReactNode } from "react";
import type { ApiError } from "../problems.js";

/** What went wrong and what to do; nothing where nothing did. */
export function ErrorNote(props: { readonly error: ApiError | null | undefined }): ReactElement | null {
  const { error } = props;
  if (!error) return null;
  return (
    <div role="alert" className="rc-problem">
      <p>{error.message}</p>
      {error.hint ? <p className="rc-hint">{error.hint}</p> : null}
      {error.problem.errors?.length ? (
        <ul>
          {error.problem.errors.map((item, number) => (
            <li key={number}>
              {item.pointer ? <code>{item.pointer}</code> : null} {item.message}
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}

export type Tone = "good" | "bad" | "warn" | "busy" | "plain";

export function Badge(props: { readonly tone?: Tone; readonly children: ReactNode }): ReactElement {
  return <span className={`rc-badge rc-tone-${props.tone ?? "plain"}`}>{props.children}</span>;
}

const TONES: Readonly<Record<string, Tone>> = {
  succeeded: "good",
  failed: "bad",
  dead_letter: "bad",
  cancelled: "warn",
  running: "busy",
  pending: "plain",
  fallback: "warn",
  continued: "warn",
};

/** The tone of a state of a task or of a step. */
export function toneOf(state: string): Tone {
  return Object.hasOwn(TONES, state) ? TONES[state]! : "plain";
}

export function seconds(duration: number): string {
  return duration < 1 ? `${Math.round(duration * 1000)} ms` : `${duration.toFixed(1)} s`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

export function Waiting(props: { readonly children: ReactNode }): ReactElement {
  return (
    <p className="rc-waiting" role="status">
      {props.children}
    </p>
  );
}

/** Small things that say what something is: chips, glyphs, moments, links. */
import type { ReactNode } from "react";
import { pageOf } from "../routing";
import { ago, moment, words } from "../wording";

export type Tone = "good" | "warn" | "bad" | "note" | "quiet";

const TONES: Readonly<Record<string, Tone>> = {
  "in sync": "good", active: "good", applied: "good", succeeded: "good", ready: "good", Ready: "good",
  Healthy: "good", passed: "good", finalized: "good", restored: "good", leading: "good",
  pending: "note", running: "note", applying: "note", Reconciling: "note", preview: "note", collecting: "note", drafting: "note",
  confirmed: "note", parked: "note", static: "quiet", disabled: "quiet", cancelled: "quiet", skipped: "quiet", purged: "quiet",
  deprecated: "warn", partial: "warn", interrupted: "warn", fallback: "warn", continued: "warn", confirm: "warn", warning: "warn",
  failed: "bad", dead_letter: "bad", Stalled: "bad", retired: "quiet", broken: "bad", error: "bad", critical: "bad", high: "bad",
  medium: "warn", low: "note", block: "bad", blocking: "bad",
};

export function toneOf(state: string): Tone {
  return TONES[state] ?? "quiet";
}

export function Chip(props: { readonly children: string; readonly tone?: Tone; readonly bare?: boolean }): ReactNode {
  const tone = props.tone ?? toneOf(props.children);
  const busy = ["running", "applying"].includes(props.children) ? "busy" : "";
  return <span className={`chip ${tone} ${busy} ${props.bare ? "bare" : ""}`}>{words(props.children)}</span>;
}

const GLYPHS: Readonly<Record<string, string>> = { add: "+", restore: "+", change: "~", rename: "~", remove: "−" };
const GLYPH_TONES: Readonly<Record<string, string>> = { "+": "add", "~": "change", "−": "remove" };

export function Glyph(props: { readonly action: string }): ReactNode {
  const glyph = GLYPHS[props.action] ?? "?";
  return (
    <span className={`glyph ${GLYPH_TONES[glyph] ?? ""}`} role="img" aria-label={props.action}>
      {glyph}
    </span>
  );
}

export function When(props: { readonly at: string | null | undefined }): ReactNode {
  if (!props.at) return <span className="soft">–</span>;
  return (
    <time dateTime={props.at} title={moment(props.at)}>
      {ago(props.at)}
    </time>
  );
}

/** An object by its address, as a link where it has a page. */
export function Address(props: { readonly of: string }): ReactNode {
  const page = pageOf(props.of);
  return page ? (
    <a className="mono" href={`#${page}`}>
      {props.of}
    </a>
  ) : (
    <span className="mono">{props.of}</span>
  );
}

export function Card(props: {
  readonly title?: ReactNode;
  readonly aside?: ReactNode;
  readonly flush?: boolean;
  readonly children: ReactNode;
  readonly className?: string;
}): ReactNode {
  return (
    <section className={`card ${props.className ?? ""}`}>
      {props.title === undefined ? null : (
        <header>
          <h2>{props.title}</h2>
          {props.aside}
        </header>
      )}
      {props.flush ? props.children : <div className="body">{props.children}</div>}
    </section>
  );
}

export function Facts(props: { readonly of: readonly (readonly [string, ReactNode])[] }): ReactNode {
  return (
    <dl className="facts">
      {props.of.map(([name, value]) => (
        <FactRow key={name} name={name} value={value} />
      ))}
    </dl>
  );
}

function FactRow(props: { readonly name: string; readonly value: ReactNode }): ReactNode {
  return (
    <>
      <dt>{props.name}</dt>
      <dd>{props.value === "" || props.value === null || props.value === undefined ? <span className="soft">–</span> : props.value}</dd>
    </>
  );
}

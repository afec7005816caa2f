/** A conversation that ends in an agent: what is said, what is known and missing, the draft, its plan, and a yes. */
import { useEffect, useId, useRef, useState, type FormEvent, type KeyboardEvent, type ReactElement } from "react";
import type { FinalizedView, PreviewView, Question, SessionView, StartBody } from "../generated/types.gen.js";
import { useAgentBuilder, type AgentBuilderState } from "../hooks/builder.js";
import { Badge, ErrorNote, Waiting } from "./parts.js";
import { PlanView } from "./PlanView.js";

export interface AgentBuilderProps {
  /** A conversation to be taken up; else one begins. */
  readonly session?: string;
  /** With what one begins: a template, a model, or questions by rules. */
  readonly start?: StartBody;
  readonly onStarted?: (session: string) => void;
  readonly onFinalized?: (finalized: FinalizedView) => void;
}

export function AgentBuilder(props: AgentBuilderProps): ReactElement {
  const builder = useAgentBuilder(props.session === undefined ? {} : { session: props.session });
  const { session, preview, finalized } = builder;
  useTold(session?.id, props.onStarted);
  useTold(finalized, props.onFinalized);
  if (session === undefined) {
    return (
      <div className="rc-builder">
        <Beginning builder={builder} start={props.start} resuming={props.session !== undefined} />
        <ErrorNote error={builder.error} />
      </div>
    );
  }
  return (
    <div className="rc-builder">
      <div className="rc-talk">
        <Conversation builder={builder} />
        <ErrorNote error={builder.error} />
      </div>
      <div className="rc-draft">
        <Requirements session={session} />
        {preview ? <DraftPreview preview={preview} builder={builder} /> : null}
        {finalized ? <Outcome finalized={finalized} /> : null}
      </div>
    </div>
  );
}

/** Tells of a value once, when it is there. */
function useTold<Value>(value: Value | undefined, tell: ((value: Value) => void) | undefined): void {
  const latest = useRef(tell);
  latest.current = tell;
  useEffect(() => {
    if (value !== undefined) latest.current?.(value);
  }, [value]);
}

interface BeginningProps {
  readonly builder: AgentBuilderState;
  readonly start: StartBody | undefined;
  readonly resuming: boolean;
}

function Beginning({ builder, start, resuming }: BeginningProps): ReactElement {
  const id = useId();
  const [text, setText] = useState("");
  if (resuming) return builder.error ? <></> : <Waiting>Taking up the conversation…</Waiting>;
  return (
    <form
      className="rc-say"
      onSubmit={(event) => {
        event.preventDefault();
        void builder.start({ ...start, ...(text.trim() === "" ? {} : { text }) });
      }}
    >
      <label htmlFor={id}>What should the agent do?</label>
      <textarea id={id} rows={3} value={text} onChange={({ target }) => setText(target.value)} onKeyDown={sendsOnEnter} />
      <button type="submit" className="rc-button rc-primary" disabled={builder.busy}>
        {builder.busy ? "Beginning…" : "Begin"}
      </button>
    </form>
  );
}

export function Conversation({ builder }: { readonly builder: AgentBuilderState }): ReactElement {
  const { session, said, streaming, busy } = builder;
  const id = useId();
  const [text, setText] = useState("");
  const end = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLTextAreaElement>(null);
  const count = session?.messages.length ?? 0;
  useEffect(() => {
    end.current?.scrollIntoView?.({ block: "nearest" });
  }, [count, streaming]);
  const say = (words: string): void => {
    setText("");
    void builder.say(words).then(() => box.current?.focus());
  };
  const open = session !== undefined && !["finalized", "abandoned", "expired"].includes(session.state);
  return (
    <section className="rc-conversation" aria-label="Conversation">
      <div className="rc-log" role="log" aria-live="polite" tabIndex={0} aria-label="Messages">
        <ol className="rc-messages">
          {session?.messages.map((message, number) => (
            <Said key={number} who={message.role} text={message.text} />
          ))}
          {said === undefined ? null : <Said who="user" text={said} />}
          {busy && said !== undefined ? <Said who="builder" text={streaming || "…"} /> : null}
        </ol>
        <div ref={end} />
      </div>
      {open && !busy ? <Choices questions={session.questions} onChoose={say} /> : null}
      {open ? (
        <form
          className="rc-say"
          onSubmit={(event: FormEvent) => {
            event.preventDefault();
            if (!busy) say(text);
          }}
        >
          <label htmlFor={id}>Your answer</label>
          <textarea
            id={id}
            ref={box}
            rows={2}
            value={text}
            placeholder={session.questions[0]?.example ?? ""}
            onChange={({ target }) => setText(target.value)}
            onKeyDown={sendsOnEnter}
          />
          <button type="submit" className="rc-button" disabled={busy}>
            Say
          </button>
        </form>
      ) : null}
    </section>
  );
}

function Said({ who, text }: { readonly who: "user" | "builder"; readonly text: string }): ReactElement {
  return (
    <li className={`rc-said rc-by-${who}`}>
      <span className="rc-unseen">{who === "user" ? "You: " : "Builder: "}</span>
      {text}
    </li>
  );
}

/** Answers that can be chosen, and what an empty one means. */
function Choices(props: { readonly questions: readonly Question[]; readonly onChoose: (text: string) => void }): ReactElement | null {
  const [first] = props.questions;
  if (first === undefined || (first.options ?? []).length === 0) return null;
  return (
    <div className="rc-choices" role="group" aria-label={first.text}>
      {(first.options ?? []).map((option) => (
        <button key={option} type="button" className="rc-button" onClick={() => props.onChoose(option)}>
          {option}
        </button>
      ))}
    </div>
  );
}

function sendsOnEnter(event: KeyboardEvent<HTMLTextAreaElement>): void {
  if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
  event.preventDefault();
  event.currentTarget.form?.requestSubmit();
}

/** What is known, and what is still missing. */
export function Requirements({ session }: { readonly session: SessionView }): ReactElement {
  const { completeness, slots } = session;
  const missing = completeness.missing ?? [];
  return (
    <section className="rc-requirements" aria-label="Requirements">
      <progress max={1} value={completeness.share} aria-label="How complete it is" />{" "}
      {Math.round(completeness.share * 100)} %
      <ul>
        {slots.map((slot) => (
          <li key={slot.name}>
            <span aria-hidden="true">✓ </span>
            <span className="rc-unseen">known: </span>
            <strong>{slot.label}</strong> {shown(slot.value)}{" "}
            {slot.source === "said" ? null : <Badge>{slot.source}</Badge>}
          </li>
        ))}
        {missing.map((name) => (
          <li key={name} className="rc-missing">
            <span aria-hidden="true">○ </span>
            <span className="rc-unseen">missing: </span>
            {name}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** As people would say it: `bug: crash, error; billing: invoice`. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return value.map(shown).join(", ");
  if (typeof value !== "object" || value === null) return String(value ?? "none");
  const parts = Object.entries(value).map(([name, part]) => `${name}: ${shown(part)}`);
  return parts.join("; ") || "none";
}

interface DraftPreviewProps {
  readonly preview: PreviewView;
  readonly builder: AgentBuilderState;
}

/** The draft with everything to look at before a yes. */
function DraftPreview({ preview, builder }: DraftPreviewProps): ReactElement {
  const open = !["finalized", "abandoned", "expired"].includes(builder.session?.state ?? "");
  return (
    <section className="rc-preview" aria-label="Draft">
      <h2>Draft</h2>
      {preview.problems.map((problem, number) => (
        <p key={number} className="rc-problem">
          {problem.message} {problem.hint}
        </p>
      ))}
      {preview.risks.map((risk) => (
        <p key={`${risk.code} ${risk.text}`} className="rc-hint">
          <Badge tone={risk.stops ? "bad" : "warn"}>{risk.code}</Badge> {risk.text} {risk.hint}
        </p>
      ))}
      <ul>
        {preview.tests.map((test) => (
          <li key={test.name}>
            <Badge tone={test.passed ? "good" : "bad"}>{test.passed ? "passed" : "failed"}</Badge> {test.name}
          </li>
        ))}
      </ul>
      <details>
        <summary>YAML</summary>
        <pre tabIndex={0} aria-label="YAML of the draft">
          {preview.yaml}
        </pre>
      </details>
      {preview.plan ? (
        <PlanView
          plan={preview.plan}
          busy={builder.busy || !preview.ready}
          applyLabel="Make it so"
          {...(open ? { onApply: (allow: string[]) => void builder.finalize({ allow }) } : {})}
        />
      ) : null}
    </section>
  );
}

function Outcome({ finalized }: { readonly finalized: FinalizedView }): ReactElement {
  return (
    <p role="status" className="rc-outcome">
      <Badge tone="good">{finalized.live ? "live" : "proposed"}</Badge>{" "}
      {finalized.live
        ? `${finalized.agent} is there${finalized.revision === null ? "" : `, as revision ${finalized.revision}`}.`
        : `Proposed on the branch ${finalized.branch}.`}
      {finalized.url ? (
        <>
          {" "}
          <a href={finalized.url}>Pull request</a>
        </>
      ) : null}
    </p>
  );
}

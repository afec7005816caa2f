/** A plan to be read before it is applied: what changes and why, what is at risk, and the SQL. */
import { memo, useId, useMemo, useState, type ReactElement } from "react";
import type { Change, Hazard } from "../api.js";
import type { PlanDocument, PlanSummary } from "../generated/types.gen.js";
import { differences } from "./differences.js";
import { Badge, plural, type Tone } from "./parts.js";

export interface PlanViewProps {
  readonly plan: PlanDocument | PlanSummary;
  /** Statements by unit, where they were asked for. */
  readonly sql?: readonly { readonly name: string; readonly statements: readonly string[] }[];
  /** With it there is a button. It gets what was ticked, to be sent along as `allow`. */
  readonly onApply?: (allow: string[]) => void;
  readonly applyLabel?: string;
  readonly busy?: boolean;
}

type AnyChange = Pick<Change, "action" | "address" | "reason"> & Partial<Change>;

export function PlanView(props: PlanViewProps): ReactElement {
  const { plan, onApply } = props;
  const [allowed, setAllowed] = useState<ReadonlySet<string>>(new Set());
  const changes = plan.changes as unknown as readonly AnyChange[];
  const hazards = plan.hazards as unknown as readonly Hazard[];
  const asked = useMemo(() => hazards.filter((hazard) => hazard.severity === "confirm"), [hazards]);
  const blocked = hazards.some((hazard) => hazard.severity === "block");
  const open = asked.filter((hazard) => !allowed.has(nameOf(hazard))).length;
  const tick = (name: string): void =>
    setAllowed((before) => {
      const now = new Set(before);
      if (!now.delete(name)) now.add(name);
      return now;
    });

  return (
    <section className="rc-plan" aria-label="Plan">
      <p className="rc-summary">{changes.length === 0 ? "Nothing would change." : summaryOf(changes, hazards)}</p>
      {hazards.length > 0 ? <Hazards hazards={hazards} allowed={allowed} onTick={onApply ? tick : undefined} /> : null}
      <ul className="rc-changes">
        {changes.map((change, number) => (
          <ChangeLine key={`${change.address} ${number}`} change={change} />
        ))}
      </ul>
      {props.sql?.length ? <Sql units={props.sql} /> : null}
      {onApply && changes.length > 0 ? (
        <div className="rc-actions">
          <button
            type="button"
            className="rc-button rc-primary"
            disabled={(props.busy ?? false) || blocked || open > 0}
            onClick={() => onApply([...allowed])}
          >
            {props.applyLabel ?? "Apply"}
          </button>{" "}
          <span role="status">
            {blocked
              ? "A risk stands in the way: the data, the manifest or the policy has to change first."
              : open > 0
                ? `${plural(open, "risk")} still to be accepted.`
                : ""}
          </span>
        </div>
      ) : null}
    </section>
  );
}

const GLYPHS: Readonly<Record<string, string>> = { add: "+", restore: "+", change: "~", rename: "~", remove: "−" };
const TONES: Readonly<Record<string, Tone>> = { add: "good", restore: "good", change: "warn", rename: "warn", remove: "bad" };

function summaryOf(changes: readonly AnyChange[], hazards: readonly Hazard[]): string {
  const counts = new Map<string, number>();
  for (const { action } of changes) counts.set(action, (counts.get(action) ?? 0) + 1);
  const parts = [...counts].map(([action, count]) => `${count.toLocaleString("en")} to ${action}`);
  return `${parts.join(", ")}.${hazards.length > 0 ? ` ${plural(hazards.length, "risk")}.` : ""}`;
}

function nameOf(hazard: Hazard): string {
  return `${hazard.code}:${hazard.address}`;
}

interface HazardsProps {
  readonly hazards: readonly Hazard[];
  readonly allowed: ReadonlySet<string>;
  readonly onTick: ((name: string) => void) | undefined;
}

const SEVERITIES: Readonly<Record<string, Tone>> = { notice: "plain", confirm: "warn", block: "bad" };

function Hazards({ hazards, allowed, onTick }: HazardsProps): ReactElement {
  const id = useId();
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>Risks</h2>
      <ul className="rc-hazards">
        {hazards.map((hazard, number) => {
          const name = nameOf(hazard);
          return (
            <li key={`${name} ${number}`}>
              <Badge tone={SEVERITIES[hazard.severity] ?? "plain"}>{hazard.severity}</Badge> <code>{name}</code>{" "}
              {hazard.message}
              {hazard.rows === null ? "" : ` (${plural(hazard.rows, "row")})`}
              {hazard.suggestion ? <p className="rc-hint">{hazard.suggestion}</p> : null}
              {onTick && hazard.severity === "confirm" ? (
                <label>
                  <input type="checkbox" checked={allowed.has(name)} onChange={() => onTick(name)} /> I accept this
                  <span className="rc-unseen"> for {name}</span>
                </label>
              ) : null}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** What differs is worked out when it is looked at: a plan may have thousands of changes. */
const ChangeLine = memo(function ChangeLine({ change }: { readonly change: AnyChange }): ReactElement {
  const [open, setOpen] = useState(false);
  const tone = TONES[change.action] ?? "plain";
  const head = (
    <>
      <span className={`rc-glyph rc-tone-${tone}`} aria-hidden="true">
        {GLYPHS[change.action] ?? "?"}
      </span>
      <span className="rc-unseen">{change.action} </span>
      <code>{change.address}</code> <small>{change.reason}</small>
    </>
  );
  if (change.before === undefined && change.after === undefined) return <li className="rc-change">{head}</li>;
  return (
    <li className="rc-change">
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>{head}</summary>
        {open ? <Differences change={change} /> : null}
      </details>
    </li>
  );
});

function Differences({ change }: { readonly change: AnyChange }): ReactElement {
  const lines = differences(change.before ?? null, change.after ?? null);
  return (
    <pre className="rc-diff" tabIndex={0} aria-label={`What differs in ${change.address}`}>
      {lines.map(({ path, sign, text }, number) => (
        <span key={number} className={sign === "+" ? "rc-added" : "rc-removed"}>
          {`${sign} ${path}: ${text}\n`}
        </span>
      ))}
    </pre>
  );
}

function Sql({ units }: { readonly units: NonNullable<PlanViewProps["sql"]> }): ReactElement {
  const id = useId();
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>SQL</h2>
      {units.map(({ name, statements }) => (
        <details key={name}>
          <summary>
            {name}: {plural(statements.length, "statement")}
          </summary>
          <pre tabIndex={0} aria-label={`SQL of ${name}`}>
            {statements.join(";\n")}
          </pre>
        </details>
      ))}
    </section>
  );
}

/** A plan to be read: units of changes, each with what it does to what is there. */
import { useState, type ReactNode } from "react";
import { differences } from "../differences";
import type { Change, Hazard } from "../shapes";
import { counted, shown, words } from "../wording";
import { yamlDocument } from "../yaml";
import { Sql } from "./code";
import { Glyph } from "./marks";

const MANY = 100;

export function Units(props: {
  readonly units: readonly { readonly name: string; readonly changes: readonly Change[]; readonly sql?: readonly string[] | undefined; readonly aside?: ReactNode }[];
}): ReactNode {
  // Of many changes those that are out of sight are not laid out before somebody scrolls there.
  const many = props.units.reduce((sum, { changes }) => sum + changes.length, 0) > MANY;
  return props.units.map((unit) => (
    <section className={`card unit ${many ? "many" : ""}`} key={unit.name}>
      <header>
        <h2 className="mono">{unit.name}</h2>
        {unit.aside ?? <small>{counted(unit.changes.length, "change")}, together or not at all</small>}
      </header>
      {unit.changes.map((change) => (
        <ChangeRow key={change.address} change={change} />
      ))}
      {unit.sql?.length ? (
        <Unfolding label={`SQL, ${counted(unit.sql.length, "statement")}`}>
          {() => <Sql statements={unit.sql ?? []} />}
        </Unfolding>
      ) : null}
    </section>
  ));
}

function ChangeRow(props: { readonly change: Change }): ReactNode {
  const { change } = props;
  const hazards = change.hazards ?? [];
  return (
    <Unfolding
      summary={
        <span className="told">
          <Glyph action={change.action} />
          <span className="words">
            <span className="mono">{change.address}</span>
            <small>{summaryOf(change)}</small>
            {hazards.map((hazard) => (
              <HazardChip key={hazard.code} hazard={hazard} />
            ))}
          </span>
        </span>
      }
    >
      {() => (
        <div className="stack tight">
          <small>{change.reason}</small>
          <Diff change={change} />
        </div>
      )}
    </Unfolding>
  );
}

/** Its inside is made only once it is opened: a plan may have a thousand of them. */
function Unfolding(props: { readonly summary?: ReactNode; readonly label?: string; readonly children: () => ReactNode }): ReactNode {
  const [open, setOpen] = useState(false);
  return (
    <details className="change" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{props.summary ?? <span className="soft">{props.label}</span>}</summary>
      {open ? <div className="inside">{props.children()}</div> : null}
    </details>
  );
}

export function HazardChip(props: { readonly hazard: Hazard }): ReactNode {
  const { hazard } = props;
  const rows = hazard.rows ? `, ${counted(hazard.rows, "row")}` : "";
  return <span className={`chip ${toneOfHazard(hazard)}`}>{`${words(hazard.code)}${rows}`}</span>;
}

export function toneOfHazard(hazard: Hazard): "bad" | "warn" | "note" {
  if (hazard.severity === "block") return "bad";
  return hazard.severity === "confirm" ? "warn" : "note";
}

/** What changes, in a few words. */
function summaryOf(change: Change): string {
  if (change.kind === "column" && (change.before === null || change.after === null)) return attributes(change.after ?? change.before);
  if (change.before === null || change.after === null) return "";
  const places = differences(change.before, change.after).map(({ at }) => at.replace(/^spec\./, ""));
  return places.length > 3 ? `${places.slice(0, 3).join(", ")} and ${places.length - 3} more` : places.join(", ");
}

function attributes(column: unknown): string {
  const { name: _, type, ...others } = column as Record<string, unknown>;
  const told = Object.entries(others).map(([name, value]) => (value === true ? words(name) : `${words(name)} ${shown(value)}`));
  return [String(type), ...told].join(", ");
}

function Diff(props: { readonly change: Change }): ReactNode {
  const { before, after } = props.change;
  const found = before !== null && after !== null ? differences(before, after) : [{ at: "", before: before ?? undefined, after: after ?? undefined }];
  return (
    <div className="diff">
      {found.map((one) => (
        <Difference key={one.at} {...one} />
      ))}
    </div>
  );
}

function Difference(props: { readonly at: string; readonly before: unknown; readonly after: unknown }): ReactNode {
  return (
    <>
      {props.at ? <div className="at">{props.at}</div> : null}
      {props.before === undefined ? null : <Side name="old" sign="−" value={props.before} />}
      {props.after === undefined ? null : <Side name="new" sign="+" value={props.after} />}
    </>
  );
}

/** Each line bears its sign, for those who do not tell colours apart as well. */
function Side(props: { readonly name: "old" | "new"; readonly sign: string; readonly value: unknown }): ReactNode {
  const lines = yamlDocument(props.value).split("\n");
  return (
    <pre className={props.name}>
      <span className="hidden-visually">{props.name === "old" ? "was: " : "becomes: "}</span>
      {lines.map((line) => `${props.sign} ${line}`).join("\n")}
    </pre>
  );
}

export function HazardList(props: {
  readonly hazards: readonly Hazard[];
  readonly allowed?: ReadonlySet<string>;
  readonly onAllow?: (code: string, yes: boolean) => void;
}): ReactNode {
  return (
    <ul className="tellings">
      {props.hazards.map((hazard) => {
        const allow = allowOf(hazard);
        const confirmable = props.onAllow !== undefined && hazard.severity === "confirm";
        return (
          <li key={`${hazard.code}-${hazard.address}`} className={`telling ${toneOfHazard(hazard)}`}>
            <div className="row">
              <strong>{hazard.message}</strong>
              {hazard.rows ? <span className="chip bare">{counted(hazard.rows, "row")}</span> : null}
            </div>
            <small>{hazard.suggestion}</small>
            {confirmable ? (
              <label className="check">
                <input type="checkbox" checked={props.allowed?.has(allow) ?? false} onChange={(event) => props.onAllow?.(allow, event.target.checked)} />
                <span>
                  I have seen this; let it happen <code className="soft">{allow}</code>
                </span>
              </label>
            ) : null}
          </li>
        );
      })}
    </ul>
  );
}

/** What to send for a hazard to be let through. */
export function allowOf(hazard: Hazard): string {
  return `${hazard.code}:${hazard.address}`;
}

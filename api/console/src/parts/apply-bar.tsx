/** The foot of a plan: what stands in its way, and the button. */
import { useId, useState, type ReactNode } from "react";
import type { Hazard } from "../shapes";
import { counted } from "../wording";
import { allowOf } from "./changes";
import { Failure } from "./states";

export function ApplyBar(props: {
  readonly changes: number;
  readonly hazards: readonly Hazard[];
  readonly allowed: ReadonlySet<string>;
  readonly mayApply: boolean;
  readonly busy: boolean;
  readonly error: Error | null;
  readonly verb?: string;
  readonly onApply: (reason: string) => void;
}): ReactNode {
  const id = useId();
  const [reason, setReason] = useState("");
  const unseen = props.hazards.filter((hazard) => hazard.severity === "confirm" && !props.allowed.has(allowOf(hazard)));
  const verb = props.verb ?? "Apply";
  if (!props.mayApply) {
    return <p className="telling note">To apply this takes a key with the role operator. Yours may look.</p>;
  }
  return (
    <section className="card apply" aria-label={verb}>
      <div className="body stack tight">
        {props.error ? <Failure error={props.error} /> : null}
        <div className="row">
          <label className="hidden-visually" htmlFor={id}>
            Reason
          </label>
          <span className="grow">
            <input id={id} placeholder="Reason, for the record" maxLength={500} value={reason} onChange={(event) => setReason(event.target.value)} />
          </span>
          <button type="button" className="primary" disabled={props.busy || unseen.length > 0} onClick={() => props.onApply(reason)}>
            {props.busy ? "Working…" : `${verb} ${counted(props.changes, "change")}`}
          </button>
        </div>
        {unseen.length ? <small>{`${counted(unseen.length, "hazard")} above ${unseen.length === 1 ? "waits" : "wait"} for your yes.`}</small> : null}
      </div>
    </section>
  );
}

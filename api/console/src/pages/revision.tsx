import type { PlanDocument } from "@reconciler/frontend";
import { useState, type ReactNode } from "react";
import { itemsOf, useCaller, useRevision, useRevisions, useRollback, useRollbackPlan } from "@reconciler/frontend/react";
import { ApplyBar } from "../parts/apply-bar";
import { HazardList, Units } from "../parts/changes";
import { Head } from "../parts/head";
import { Card, Chip, Facts, When } from "../parts/marks";
import { Answered, Empty } from "../parts/states";
import { go } from "../routing";
import { covers } from "../session";
import type { Change, Hazard } from "../shapes";
import { counted } from "../wording";
import { PlanFigures, unitsOf } from "./plan";

export function RevisionPage(props: { readonly number: number }): ReactNode {
  const { number } = props;
  const revision = useRevision(number);
  const newest = itemsOf(useRevisions().data)[0]?.number;
  const [goingBack, setGoingBack] = useState(false);
  return (
    <>
      <Head
        title={`Revision ${number}`}
        up={{ to: "/revisions", label: "Revisions" }}
        chip={revision.data ? <Chip>{revision.data.summary.state}</Chip> : null}
        actions={
          newest !== undefined && number < newest && !goingBack ? (
            <button type="button" onClick={() => setGoingBack(true)}>Go back to it…</button>
          ) : null
        }
      />
      <Answered of={revision} what="the revision">
        {({ summary, units = [] }) => (
          <div className="stack">
            {goingBack ? <GoingBack number={number} onClose={() => setGoingBack(false)} /> : null}
            <Card>
              <Facts
                of={[
                  ["Applied", <When at={summary.finished_at ?? summary.started_at} />],
                  ["By", summary.actor],
                  ["Reason", summary.reason],
                  ["Plan", <code>{summary.plan_id}</code>],
                  ["Commit", summary.commit ? <code>{summary.commit}</code> : ""],
                  ["After", summary.parent ? <a href={`#/revisions/${summary.parent}`}>{`revision ${summary.parent}`}</a> : "nothing: it was the first"],
                ]}
              />
            </Card>
            {units.length ? null : <Empty title="It changed nothing." />}
            <Units
              units={units.map((unit) => ({
                name: unit.name,
                changes: (unit.changes ?? []) as unknown as readonly Change[],
                sql: unit.sql ?? [],
                aside: unit.state === "applied" ? <small>{counted(unit.changes?.length ?? 0, "change")}</small> : <><Chip>{unit.state}</Chip><small>{unit.error}</small></>,
              }))}
            />
          </div>
        )}
      </Answered>
    </>
  );
}

/** What going back would change, before it is done. */
function GoingBack(props: { readonly number: number; readonly onClose: () => void }): ReactNode {
  const plan = useRollbackPlan(props.number);
  return (
    <Card title={`Go back to revision ${props.number}`} aside={<button type="button" className="small" onClick={props.onClose}>Stay here</button>}>
      <Answered of={plan} what="what going back would change">
        {(found) => <Reviewed number={props.number} plan={found} />}
      </Answered>
    </Card>
  );
}

function Reviewed(props: { readonly number: number; readonly plan: PlanDocument }): ReactNode {
  const { plan, number } = props;
  const hazards = plan.hazards as unknown as readonly Hazard[];
  const [allowed, setAllowed] = useState<ReadonlySet<string>>(new Set());
  const rollback = useRollback();
  const mayApply = covers(useCaller().data?.role, "operator");
  if (plan.changes.length === 0) return <p className="soft">Nothing would change: what is live is what this revision left.</p>;
  return (
    <div className="stack">
      <p className="soft">Types, agents and tables become what they were then; what was parked comes back. The source keeps its manifests: change them as well, or the next plan wants them again.</p>
      <PlanFigures plan={plan} />
      {hazards.length ? (
        <HazardList
          hazards={hazards}
          allowed={allowed}
          onAllow={(code, yes) => setAllowed((before) => new Set(yes ? [...before, code] : [...before].filter((one) => one !== code)))}
        />
      ) : null}
      <Units units={unitsOf(plan)} />
      <ApplyBar
        verb="Take back"
        changes={plan.changes.length}
        hazards={hazards}
        allowed={allowed}
        mayApply={mayApply}
        busy={rollback.isPending}
        error={rollback.error}
        onApply={(reason) =>
          rollback.mutate(
            { revision: number, planId: plan.id, allow: [...allowed], reason },
            { onSuccess: (done) => go(`/revisions/${String(done.result?.["revision"] ?? "")}`) },
          )
        }
      />
    </div>
  );
}

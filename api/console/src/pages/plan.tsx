import type { PlanDocument } from "@reconciler/frontend";
import { useState, type ReactNode } from "react";
import { useCaller, usePlan, usePlanSql, useReconcile } from "@reconciler/frontend/react";
import { ApplyBar } from "../parts/apply-bar";
import { HazardList, Units } from "../parts/changes";
import { Head } from "../parts/head";
import { Card } from "../parts/marks";
import { Answered, Empty } from "../parts/states";
import { covers } from "../session";
import type { Change, Hazard, ManifestProblem } from "../shapes";
import { counted, number } from "../wording";

/** What the source would change, to be read and then applied. */
export function PlanPage(): ReactNode {
  const plan = usePlan({ refetchInterval: 15_000 });
  return (
    <>
      <Head
        title="Plan"
        actions={
          <button type="button" onClick={() => void plan.refetch()} disabled={plan.isFetching}>
            {plan.isFetching ? "Planning…" : "Plan again"}
          </button>
        }
      >
        What applying the source would change, before anything is changed.
      </Head>
      <Answered of={plan} what="the plan">
        {(found) => <Shown plan={found} />}
      </Answered>
    </>
  );
}

function Shown(props: { readonly plan: PlanDocument }): ReactNode {
  const { plan } = props;
  const changes = plan.changes as unknown as readonly Change[];
  const hazards = plan.hazards as unknown as readonly Hazard[];
  const [allowed, setAllowed] = useState<ReadonlySet<string>>(new Set());
  const [applied, setApplied] = useState<number | null>(null);
  const reconcile = useReconcile({});
  const sql = usePlanSql({ enabled: changes.length > 0 });
  const mayApply = covers(useCaller().data?.role, "operator");

  function allow(code: string, yes: boolean): void {
    setAllowed((before) => new Set(yes ? [...before, code] : [...before].filter((one) => one !== code)));
  }

  function apply(reason: string): void {
    const wish = { planId: plan.id, allow: [...allowed], reason };
    reconcile.mutate(wish, { onSuccess: (done) => setApplied(Number(done.result?.["revision"] ?? 0) || null) });
  }

  return (
    <div className="stack">
      {applied !== null && changes.length === 0 ? (
        <p role="status" className="telling good">
          <span>
            Applied as <a href={`#/revisions/${applied}`}>revision {applied}</a>.
          </span>
        </p>
      ) : null}
      <Problems problems={plan.problems as unknown as readonly ManifestProblem[]} />
      {changes.length === 0 ? (
        <Card>
          <Empty title="Nothing to do. What is, is what the source wants.">
            Change a manifest, or <a href="#/builder">talk to the builder</a>, and the plan shows here what would come of it.
          </Empty>
        </Card>
      ) : (
        <>
          <PlanFigures plan={plan} />
          {hazards.length ? (
            <Card title={counted(hazards.length, "hazard")}>
              <HazardList hazards={hazards} allowed={allowed} {...(mayApply ? { onAllow: allow } : {})} />
            </Card>
          ) : null}
          <Units units={unitsOf(plan, sql.data?.plan_id === plan.id ? sql.data.units : [])} />
          <ApplyBar
            changes={changes.length}
            hazards={hazards}
            allowed={allowed}
            mayApply={mayApply}
            busy={reconcile.isPending}
            error={reconcile.error}
            onApply={apply}
          />
        </>
      )}
    </div>
  );
}

export function PlanFigures(props: { readonly plan: PlanDocument }): ReactNode {
  const { plan } = props;
  const { add = 0, change = 0, remove = 0 } = plan.summary;
  const hazards = plan.hazards as unknown as readonly Hazard[];
  const rows = hazards.reduce((sum, hazard) => sum + (hazard.rows ?? 0), 0);
  return (
    <dl className="figures">
      {(
        [
          ["to add", number(add)],
          ["to change", number(change)],
          ["to remove", number(remove)],
          [hazards.length === 1 ? "hazard" : "hazards", number(hazards.length)],
          ["rows touched", number(rows)],
        ] as const
      ).map(([name, count]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{count}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The units of a plan with their changes, and their statements where those are known. */
export function unitsOf(plan: PlanDocument, sql: readonly { name: string; statements: readonly string[] }[] = []) {
  const changes = new Map((plan.changes as unknown as readonly Change[]).map((change) => [change.address, change]));
  return (plan.units as unknown as readonly { name: string; changes: readonly string[] }[]).map((unit) => ({
    name: unit.name,
    changes: unit.changes.flatMap((address) => changes.get(address) ?? []),
    sql: sql.find(({ name }) => name === unit.name)?.statements,
  }));
}

function Problems(props: { readonly problems: readonly ManifestProblem[] }): ReactNode {
  if (props.problems.length === 0) return null;
  return (
    <Card title={counted(props.problems.length, "problem in the manifests", "problems in the manifests")}>
      <ul className="tellings">
        {props.problems.map((one, index) => (
          <li key={index} className={`telling ${one.severity === "warning" ? "warn" : "bad"}`}>
            <strong>{one.message}</strong>
            <code>{[one.file, one.line, one.column].filter(Boolean).join(":")}</code>
            {one.hint ? <small>{one.hint}</small> : null}
          </li>
        ))}
      </ul>
    </Card>
  );
}

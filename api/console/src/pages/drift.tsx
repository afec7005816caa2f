import type { ReactNode } from "react";
import { useDrift, useStatus } from "@reconciler/frontend/react";
import { Head } from "../parts/head";
import { Card, Chip, When } from "../parts/marks";
import { Answered, Empty } from "../parts/states";

export function DriftPage(): ReactNode {
  const drift = useDrift({ refetchInterval: 15_000 });
  const seen = new Map((useStatus().data?.drifted ?? []).map((one) => [one.address, one]));
  return (
    <>
      <Head title="Drift">What somebody has changed in the database by another road.</Head>
      <Answered of={drift} what="the drift">
        {(found) =>
          found.length === 0 ? (
            <Card><Empty title="No drift. The tables are as they were left.">Changes made by hand would show up here, with what was recorded and what is there.</Empty></Card>
          ) : (
            <div className="stack">
              {found.map((one) => {
                const known = seen.get(one.address);
                return (
                  <Card key={one.address} title={<span className="mono">{one.address}</span>} aside={known ? <span className="row"><Chip tone="note">{known.treatment}</Chip><small>first seen <When at={known.first_seen} /></small></span> : null}>
                    <div className="stack tight">
                      <p>{one.message}</p>
                      <div className="diff">
                        {one.recorded ? <><div className="at">as it was applied</div><pre className="old">{one.recorded}</pre></> : null}
                        {one.live ? <><div className="at">as it is</div><pre className="new">{one.live}</pre></> : null}
                      </div>
                    </div>
                  </Card>
                );
              })}
              <p className="soft">Applying <a href="#/plan">the plan</a> puts it right.</p>
            </div>
          )
        }
      </Answered>
    </>
  );
}

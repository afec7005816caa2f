import type { ReactNode } from "react";
import { itemsOf, useRevisions } from "@reconciler/frontend/react";
import { Head } from "../parts/head";
import { Card, Chip, When } from "../parts/marks";
import { More } from "../parts/more";
import { Answered, Empty } from "../parts/states";

export function RevisionsPage(): ReactNode {
  const revisions = useRevisions({ refetchInterval: 10_000 });
  return (
    <>
      <Head title="Revisions">Every apply, with what it did. Any of them can be gone back to.</Head>
      <Card flush>
        <Answered of={revisions} what="revisions">
          {() => {
            const found = itemsOf(revisions.data);
            if (found.length === 0) return <Empty title="Nothing was applied yet."><a href="#/plan">See the plan</a></Empty>;
            return (
              <div className="scroll">
                <table className="list folds">
                  <thead><tr><th scope="col">Revision</th><th scope="col">State</th><th scope="col">Changes</th><th scope="col">Reason</th><th scope="col">By</th><th scope="col">When</th></tr></thead>
                  <tbody>
                    {found.map((one) => (
                      <tr key={one.number}>
                        <td className="name"><a href={`#/revisions/${one.number}`}>{`Revision ${one.number}`}</a>{one.commit ? <small className="mono">{one.commit.slice(0, 12)}</small> : null}</td>
                        <td><Chip>{one.state}</Chip></td>
                        <td className="mono">{`+${one.summary?.add ?? 0} ~${one.summary?.change ?? 0} −${one.summary?.remove ?? 0}`}</td>
                        <td>{one.reason || <span className="soft">–</span>}</td>
                        <td>{one.actor}</td>
                        <td><When at={one.finished_at ?? one.started_at} /></td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            );
          }}
        </Answered>
        <More of={revisions} />
      </Card>
    </>
  );
}

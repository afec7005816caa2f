import type { ArchiveRecord } from "@reconciler/frontend";
import { useState, type ReactNode } from "react";
import { useArchives, useCaller, usePurgeArchive, useRestoreArchive } from "@reconciler/frontend/react";
import { Confirm } from "../parts/dialog";
import { Head } from "../parts/head";
import { Card, Chip, When } from "../parts/marks";
import { Answered, Empty, Failure } from "../parts/states";
import { covers } from "../session";
import { counted } from "../wording";

export function ArchivesPage(): ReactNode {
  const [all, setAll] = useState(false);
  const archives = useArchives({ all });
  const role = useCaller().data?.role;
  const [asked, setAsked] = useState<{ archive: ArchiveRecord; purge: boolean } | null>(null);
  const restore = useRestoreArchive();
  const purge = usePurgeArchive();
  const deed = asked?.purge ? purge : restore;
  return (
    <>
      <Head title="Archives" actions={<label className="check"><input type="checkbox" checked={all} onChange={(event) => setAll(event.target.checked)} />Those that are gone, too</label>}>
        Tables and columns that were parked instead of destroyed.
      </Head>
      <Card flush>
        <Answered of={archives} what="archives">
          {(found) =>
            found.length === 0 ? (
              <Empty title="Nothing is parked.">When a table or a column goes, its rows come here and can be brought back.</Empty>
            ) : (
              <div className="scroll">
                <table className="list folds">
                  <thead><tr><th scope="col">What</th><th scope="col">State</th><th scope="col">Rows</th><th scope="col">Parked</th><th scope="col">Kept until</th><th scope="col"><span className="hidden-visually">Do</span></th></tr></thead>
                  <tbody>
                    {found.map((one) => (
                      <tr key={one.id}>
                        <td className="name mono">{nameOf(one)}<small>{`${one.kind} of ${one.owner}`}</small></td>
                        <td><Chip>{one.state ?? "parked"}</Chip></td>
                        <td>{counted(one.rows, "row")}</td>
                        <td><When at={one.archived_at} /> <a href={`#/revisions/${one.revision}`}>{`revision ${one.revision}`}</a></td>
                        <td>{one.purge_after ? <When at={one.purge_after} /> : "somebody purges it"}</td>
                        <td>
                          {one.state === "parked" ? (
                            <span className="row">
                              {covers(role, "operator") && one.kind === "table" ? <button type="button" className="small" onClick={() => setAsked({ archive: one, purge: false })}>Bring back</button> : null}
                              {covers(role, "admin") ? <button type="button" className="small danger" onClick={() => setAsked({ archive: one, purge: true })}>Destroy…</button> : null}
                            </span>
                          ) : null}
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            )
          }
        </Answered>
      </Card>
      {asked ? (
        <Confirm
          title={asked.purge ? `Destroy ${nameOf(asked.archive)}?` : `Bring back ${nameOf(asked.archive)}?`}
          action={asked.purge ? `Destroy ${counted(asked.archive.rows, "row")}` : "Bring it back"}
          danger={asked.purge}
          busy={deed.isPending}
          onClose={() => { deed.reset(); setAsked(null); }}
          onYes={() => deed.mutate({ number: asked.archive.id }, { onSuccess: () => setAsked(null) })}
        >
          <p>{asked.purge ? "There is no way back." : "The table gets its name back, with all its rows."}</p>
          {deed.error ? <Failure error={deed.error} /> : null}
        </Confirm>
      ) : null}
    </>
  );
}

function nameOf(one: ArchiveRecord): string {
  return [one.table, one.column].filter(Boolean).join(".");
}

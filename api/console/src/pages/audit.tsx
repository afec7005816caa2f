import type { ReactNode } from "react";
import { itemsOf, useAudit, useCaller } from "@reconciler/frontend/react";
import { Filters, Find } from "../parts/filters";
import { Head } from "../parts/head";
import { Address, Card, Chip, When } from "../parts/marks";
import { More } from "../parts/more";
import { Answered, Empty } from "../parts/states";
import { covers } from "../session";

export function AuditPage(props: { readonly query: URLSearchParams }): ReactNode {
  const address = props.query.get("address") ?? "";
  const actor = props.query.get("actor") ?? "";
  const caller = useCaller();
  const may = covers(caller.data?.role, "operator");
  const audit = useAudit({ ...(address ? { address } : {}), ...(actor ? { actor } : {}) }, { enabled: may });
  if (caller.data && !may) {
    return (
      <>
        <Head title="Audit">Who did what.</Head>
        <Card><Empty title="The audit takes a key with the role operator.">Ask an admin for one.</Empty></Card>
      </>
    );
  }
  return (
    <>
      <Head title="Audit">Who did what, each entry bound to the one before it.</Head>
      <Filters>
        <Find path="/audit" query={props.query} name="address" label="Of object, such as type/notes" />
        <Find path="/audit" query={props.query} name="actor" label="By" />
      </Filters>
      <Card flush>
        <Answered of={audit} what="the audit">
          {() => {
            const found = itemsOf(audit.data);
            if (found.length === 0) return <Empty title="Nobody did anything like that." />;
            return (
              <div className="scroll">
                <table className="list folds">
                  <thead><tr><th scope="col">Action</th><th scope="col">Object</th><th scope="col">By</th><th scope="col">Reason</th><th scope="col">When</th></tr></thead>
                  <tbody>
                    {found.map((one) => (
                      <tr key={one.id}>
                        <td><Chip bare>{one.action}</Chip></td>
                        <td><Address of={one.address} /></td>
                        <td>{one.actor}</td>
                        <td>{one.reason || <span className="soft">–</span>}</td>
                        <td><When at={one.at} /></td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            );
          }}
        </Answered>
        <More of={audit} />
      </Card>
    </>
  );
}

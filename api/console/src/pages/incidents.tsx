import type { ReactNode } from "react";
import { useIncidents } from "@reconciler/frontend/react";
import { Filters, Find } from "../parts/filters";
import { Head } from "../parts/head";
import { Card, Chip, When } from "../parts/marks";
import { Answered, Empty } from "../parts/states";
import { shown, words } from "../wording";

export function IncidentsPage(props: { readonly query: URLSearchParams }): ReactNode {
  const agent = props.query.get("agent") ?? "";
  const incidents = useIncidents(agent ? { agent } : {}, { refetchInterval: 10_000 });
  return (
    <>
      <Head title="Incidents">Attempts of agents to do what nobody granted them. The attempt was stopped; this is the record.</Head>
      <Filters><Find path="/incidents" query={props.query} name="agent" label="Of agent" /></Filters>
      <Card flush>
        <Answered of={incidents} what="incidents">
          {(found) =>
            found.length === 0 ? (
              <Empty title="No incidents.">Agents have kept to what they were granted.</Empty>
            ) : (
              <div className="scroll">
                <table className="list folds">
                  <thead><tr><th scope="col">What</th><th scope="col">Severity</th><th scope="col">Agent</th><th scope="col">Evidence</th><th scope="col">When</th></tr></thead>
                  <tbody>
                    {found.map((one) => (
                      <tr key={one.id}>
                        <td className="name">{words(one.kind)}{one.task_id ? <small><a className="mono" href={`#/tasks/${one.task_id}`}>{one.task_id.slice(-12)}</a></small> : null}</td>
                        <td><Chip>{one.severity}</Chip></td>
                        <td><a href={`#/agents/${one.agent}`}>{one.agent}</a></td>
                        <td>{Object.entries(one.evidence).map(([name, value]) => <div key={name}><span className="soft">{words(name)}</span> {shown(value)}</div>)}</td>
                        <td><When at={one.at} /></td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            )
          }
        </Answered>
      </Card>
    </>
  );
}

import type { ReactNode } from "react";
import { itemsOf, useAgents } from "@reconciler/frontend/react";
import { Choice, Filters, Find } from "../parts/filters";
import { Head } from "../parts/head";
import { Card, Chip } from "../parts/marks";
import { More } from "../parts/more";
import { Answered, Empty } from "../parts/states";

export function AgentsPage(props: { readonly query: URLSearchParams }): ReactNode {
  const { query } = props;
  const q = query.get("q") ?? "";
  const type = query.get("type") ?? "";
  const kind = query.get("kind") ?? "";
  const agents = useAgents({
    ...(q ? { q } : {}),
    ...(type ? { type } : {}),
    ...(kind === "dynamic" || kind === "static" ? { kind } : {}),
  });
  return (
    <>
      <Head title="Agents" actions={<a className="button primary" href="#/builder">New agent</a>}>
        What is deployed, and what it may reach.
      </Head>
      <Filters>
        <Find path="/agents" query={query} label="Find an agent" />
        <Find path="/agents" query={query} label="Of type" name="type" />
        <Choice path="/agents" query={query} name="kind" label="Kind" options={[["", "any"], ["dynamic", "declared as YAML"], ["static", "installed as code"]]} />
      </Filters>
      <Card flush>
        <Answered of={agents} what="agents">
          {() => {
            const found = itemsOf(agents.data);
            if (found.length === 0) {
              return <Empty title={q || type || kind ? "No agent is like that." : "No agent is deployed yet."}><a href="#/builder">Talk to the builder</a>, or write a manifest and apply it.</Empty>;
            }
            return (
              <div className="scroll">
                <table className="list folds">
                  <thead>
                    <tr><th scope="col">Agent</th><th scope="col">Status</th><th scope="col">Type</th><th scope="col">May reach</th><th scope="col">Schedule</th></tr>
                  </thead>
                  <tbody>
                    {found.map((agent) => (
                      <tr key={`${agent.kind}-${agent.name}`}>
                        <td className="name"><a href={`#/agents/${agent.name}`}>{agent.name}</a><small>{agent.title || agent.description}</small></td>
                        <td>
                          <span className="row">
                            <Chip>{agent.problem ? "broken" : agent.enabled ? agent.status : "disabled"}</Chip>
                            {agent.kind === "static" ? <Chip bare>static</Chip> : null}
                          </span>
                        </td>
                        <td>{agent.type ? <a href={`#/types/${agent.type}`}>{agent.type}</a> : "–"} <span className="mono soft">{agent.version}</span></td>
                        <td>{agent.reach.capabilities.map((one) => <span key={one} className="chip bare">{one.replaceAll("_", " ")}</span>)}</td>
                        <td>{agent.schedule ? <code>{agent.schedule}</code> : <span className="soft">on demand</span>}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            );
          }}
        </Answered>
        <More of={agents} />
      </Card>
    </>
  );
}

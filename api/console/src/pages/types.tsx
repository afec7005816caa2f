import type { ReactNode } from "react";
import { itemsOf, useAgentTypes } from "@reconciler/frontend/react";
import { Filters, Find } from "../parts/filters";
import { Head } from "../parts/head";
import { Card, Chip, When } from "../parts/marks";
import { More } from "../parts/more";
import { Answered, Empty } from "../parts/states";

export function TypesPage(props: { readonly query: URLSearchParams }): ReactNode {
  const q = props.query.get("q") ?? "";
  const types = useAgentTypes(q ? { q } : {});
  return (
    <>
      <Head title="Types">Contracts: what goes in, what is done with it, and the tables it comes to rest in.</Head>
      <Filters>
        <Find path="/types" query={props.query} label="Find a type" />
      </Filters>
      <Card flush>
        <Answered of={types} what="types">
          {() => {
            const found = itemsOf(types.data);
            if (found.length === 0) return <Empty title="No type is like that.">{q ? "Other words may find one." : <a href="#/builder">Talk to the builder to make one.</a>}</Empty>;
            return (
              <div className="scroll">
                <table className="list folds">
                  <thead>
                    <tr>
                      <th scope="col">Type</th>
                      <th scope="col">Version</th>
                      <th scope="col">Status</th>
                      <th scope="col">Agents</th>
                      <th scope="col">Owner</th>
                      <th scope="col">Registered</th>
                    </tr>
                  </thead>
                  <tbody>
                    {found.map((type) => (
                      <tr key={type.name}>
                        <td className="name">
                          <a href={`#/types/${type.name}`}>{type.name}</a>
                          <small>{type.description}</small>
                        </td>
                        <td className="mono">{type.version}</td>
                        <td>
                          <Chip>{type.status}</Chip>
                        </td>
                        <td>
                          <a href={`#/agents?type=${type.name}`}>{type.agents}</a>
                        </td>
                        <td>{type.owner}</td>
                        <td>
                          <When at={type.registered_at} />
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            );
          }}
        </Answered>
        <More of={types} />
      </Card>
    </>
  );
}

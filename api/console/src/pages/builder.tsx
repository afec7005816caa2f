import { AgentBuilder } from "@reconciler/frontend/components";
import { useState, type ReactNode } from "react";
import { useBuilderSessions, useCaller } from "@reconciler/frontend/react";
import { Head } from "../parts/head";
import { Card, Chip, When } from "../parts/marks";
import { Answered, Empty } from "../parts/states";
import { covers } from "../session";

/** A conversation that ends in manifests. */
export function BuilderPage(props: { readonly session: string | undefined }): ReactNode {
  const caller = useCaller();
  const may = covers(caller.data?.role, "author");
  const [made, setMade] = useState("");
  return (
    <>
      <Head title="Builder">Say what an agent is to do. What comes of it is YAML, which a plan then makes true.</Head>
      {caller.data && !may ? (
        <Card><Empty title="The builder takes a key with the role author.">Yours may look.</Empty></Card>
      ) : (
        <div className="stack">
          <AgentBuilder {...(props.session ? { session: props.session } : {})} onFinalized={(done) => setMade(done.live ? done.agent : "")} />
          {made ? (
            <p role="status" className="telling good">
              <span>
                <a href={`#/agents/${made}`}>{`Open ${made}`}</a> to run it.
              </span>
            </p>
          ) : null}
          {may ? <Conversations /> : null}
        </div>
      )}
    </>
  );
}

function Conversations(): ReactNode {
  const sessions = useBuilderSessions({ refetchInterval: 5_000 });
  return (
    <Card title="Your conversations" flush>
      <Answered of={sessions} what="conversations">
        {(found) =>
          found.length === 0 ? (
            <Empty title="None yet." />
          ) : (
            <table className="list folds">
              <thead><tr><th scope="col">About</th><th scope="col">State</th><th scope="col">Last spoken in</th></tr></thead>
              <tbody>
                {found.map((one) => (
                  <tr key={one.id}>
                    <td className="name"><a href={`#/builder/${one.id}`}>{one.title || one.template || "not said yet"}</a></td>
                    <td><Chip>{one.state}</Chip></td>
                    <td><When at={one.updated_at} /></td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Answered>
    </Card>
  );
}

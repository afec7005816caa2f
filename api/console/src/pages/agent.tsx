import type { AgentDetail } from "@reconciler/frontend";
import { RunForm } from "@reconciler/frontend/components";
import { useState, type ReactNode } from "react";
import { itemsOf, useAgent, useCaller, useSwitchAgent, useTasks } from "@reconciler/frontend/react";
import { Yaml } from "../parts/code";
import { Confirm } from "../parts/dialog";
import { Head } from "../parts/head";
import { Card, Chip, Facts, When } from "../parts/marks";
import { Answered, Failure } from "../parts/states";
import { TaskTable } from "../parts/task-table";
import { go } from "../routing";
import { covers } from "../session";
import { yamlDocument } from "../yaml";

export function AgentPage(props: { readonly name: string }): ReactNode {
  const { name } = props;
  const agent = useAgent(name);
  const role = useCaller().data?.role;
  const tasks = useTasks({ agent: name, limit: 8 }, { refetchInterval: 5_000 });
  return (
    <>
      <Head
        title={name}
        up={{ to: "/agents", label: "Agents" }}
        chip={agent.data ? <Chip>{agent.data.enabled ? agent.data.status : "disabled"}</Chip> : null}
        actions={
          agent.data?.kind === "dynamic" ? (
            <>
              <a className="button" href={`#/results/${name}`}>Results</a>
              {covers(role, "operator") ? <Switch agent={agent.data} /> : null}
            </>
          ) : null
        }
      >
        {agent.data?.description}
      </Head>
      <Answered of={agent} what="the agent">
        {(found) => (
          <div className="stack">
            {found.problem ? <p className="telling bad">{found.problem}</p> : null}
            <div className="split">
              <Card title="Run it">
                {covers(role, "author") ? (
                  <RunForm type={found.type as never} agent={found.name} onSubmitted={(task) => go(`/tasks/${task.id}`)} />
                ) : (
                  <p className="soft">To run it takes a key with the role author. Yours may look.</p>
                )}
              </Card>
              <Card title="About">
                <Facts
                  of={[
                    ["Type", found.type ? <><a href={`#/types/${found.type}`}>{found.type}</a> <span className="mono soft">{found.version}</span></> : "installed as code"],
                    ["Owner", found.owner],
                    ["Schedule", found.schedule ? <code>{found.schedule}</code> : "on demand"],
                    ["Deployed", <When at={found.deployed_at} />],
                    ["Tools", found.reach.tools.join(", ")],
                    ["Models", found.reach.models.join(", ")],
                    ["Writes", found.reach.writes.join(", ")],
                    ["Hosts", found.reach.hosts.join(", ")],
                    ["Recipients", found.reach.recipients.join(", ")],
                  ]}
                />
              </Card>
            </div>
            <Card title="Newest tasks" flush aside={<a href={`#/tasks?agent=${name}`}>All of its tasks</a>}>
              <Answered of={tasks} what="tasks">{() => <TaskTable tasks={itemsOf(tasks.data)} />}</Answered>
            </Card>
            {found.manifest ? <Card title="Manifest"><Yaml text={yamlDocument(found.manifest)} label="Manifest" /></Card> : null}
          </div>
        )}
      </Answered>
    </>
  );
}

function Switch(props: { readonly agent: AgentDetail }): ReactNode {
  const { name, enabled } = props.agent;
  const [asking, setAsking] = useState(false);
  const switched = useSwitchAgent();
  return (
    <>
      <button type="button" onClick={() => setAsking(true)}>{enabled ? "Disable" : "Enable"}</button>
      {asking ? (
        <Confirm
          title={enabled ? `Disable ${name}?` : `Enable ${name}?`}
          action={enabled ? "Disable it" : "Enable it"}
          danger={enabled}
          busy={switched.isPending}
          onYes={() => switched.mutate({ agent: name, enabled: !enabled }, { onSuccess: () => setAsking(false) })}
          onClose={() => setAsking(false)}
        >
          <p>{enabled ? "Tasks wait until it is enabled again; nothing is lost." : "Tasks that wait are taken up."} The change is written into its manifest.</p>
          {switched.error ? <Failure error={switched.error} /> : null}
        </Confirm>
      ) : null}
    </>
  );
}

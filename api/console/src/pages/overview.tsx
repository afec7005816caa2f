import type { ObjectStatus, RevisionSummary, Status } from "@reconciler/frontend";
import { useState, type ReactNode } from "react";
import { itemsOf, useStatus, useTasks } from "@reconciler/frontend/react";
import { Head } from "../parts/head";
import { Address, Card, Chip, Facts, toneOf, When } from "../parts/marks";
import { Answered } from "../parts/states";
import { TaskTable } from "../parts/task-table";
import { counted, number } from "../wording";

const OFTEN = 5_000;
/** Objects that are listed before somebody asks for all. */
const FIRST = 100;

/** What is wanted, what is, and why they differ. */
export function OverviewPage(): ReactNode {
  const status = useStatus({ refetchInterval: OFTEN });
  return (
    <>
      <Head title="Overview">What is wanted, what is, and why they differ.</Head>
      <Answered of={status} what="the overview">
        {(found) => (
          <div className="stack">
            <Verdict status={found} />
            <Figures status={found} />
            <Objects status={found} />
            <div className="columns">
              <Standing status={found} />
              <Latest revision={found.revision} />
            </div>
            <Recent />
          </div>
        )}
      </Answered>
    </>
  );
}

function Verdict(props: { readonly status: Status }): ReactNode {
  const { status } = props;
  const [tone, title, told, link] = verdictOf(status);
  return (
    <section className={`verdict ${tone}`}>
      <div className="grow">
        <h2>{title}</h2>
        <p>{told}</p>
      </div>
      {link ? (
        <a className="button primary" href={`#${link[0]}`}>
          {link[1]}
        </a>
      ) : null}
    </section>
  );
}

function verdictOf(status: Status): [string, string, string, [string, string]?] {
  if (status.problems > 0) {
    return ["bad", `${counted(status.problems, "manifest problem")} in the source`, "What is sound can be applied all the same; what is broken stays as it was.", ["/plan", "See the problems"]];
  }
  if (status.pending) {
    const waiting = status.objects?.filter(({ state }) => state !== "in sync").length ?? 0;
    const told = waiting ? `${counted(waiting, "object differs", "objects differ")} from what the source wants.` : "What is differs from what the source wants.";
    return ["warn", "Changes are waiting to be applied", told, ["/plan", "Review the plan"]];
  }
  if (status.drift > 0) {
    return ["warn", "Somebody has changed the database by another road", `${counted(status.drift, "place")} differ from what was applied last.`, ["/drift", "See the drift"]];
  }
  if (status.pending === null) return ["warn", "The source cannot be read at the moment", "What is live goes on as it was."];
  return ["good", "Everything is as the source wants it", `${counted(status.counts.types ?? 0, "type")} and ${counted(status.counts.agents ?? 0, "agent")} are in place.`];
}

function Figures(props: { readonly status: Status }): ReactNode {
  const { counts } = props.status;
  const figures: [string, number | undefined, string?][] = [
    ["agents", counts.agents, "/agents"],
    ["types", counts.types, "/types"],
    ["tables", counts.tables],
    ["policies", counts.policies],
    ["archives", counts.archives, "/archives"],
  ];
  return (
    <dl className="figures">
      {figures.map(([name, count, to]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{to ? <a href={`#${to}`} aria-label={`${count ?? 0} ${name}`}>{number(count ?? 0)}</a> : number(count ?? 0)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Objects(props: { readonly status: Status }): ReactNode {
  // What asks for attention stands first.
  const objects = [...(props.status.objects ?? [])].sort((one, other) => weight(one) - weight(other) || one.address.localeCompare(other.address));
  const [all, setAll] = useState(false);
  const dated = objects.some(({ since }) => since);
  return (
    <Card title="Wanted and actual" flush>
      <div className="scroll">
        <table className="list folds">
          <thead>
            <tr>
              <th scope="col">Object</th>
              <th scope="col">State</th>
              <th scope="col">Why</th>
              {dated ? <th scope="col">Since</th> : null}
            </tr>
          </thead>
          <tbody>
            {(all ? objects : objects.slice(0, FIRST)).map((one) => (
              <tr key={one.address}>
                <td className="name">
                  <Address of={one.address} /> {one.version ? <small className="mono">{one.version}</small> : null}
                </td>
                <td>
                  <span className="row">
                    <Chip tone={one.state === "in sync" ? "good" : "warn"}>{one.state}</Chip>
                    {one.condition ? <Chip tone={toneOf(one.condition)}>{one.condition}</Chip> : null}
                  </span>
                </td>
                <td>{one.message || one.reason || (one.state === "in sync" ? <span className="soft">as wanted</span> : "the manifest differs from what is live")}</td>
                {dated ? (
                  <td>
                    <When at={one.since} />
                  </td>
                ) : null}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {all || objects.length <= FIRST ? null : (
        <footer>
          <button type="button" className="small" onClick={() => setAll(true)}>
            {`Show all ${number(objects.length)}`}
          </button>
        </footer>
      )}
    </Card>
  );
}

function weight(one: ObjectStatus): number {
  if (one.condition === "Stalled") return 0;
  return one.state === "in sync" ? 2 : 1;
}

function Standing(props: { readonly status: Status }): ReactNode {
  const { status } = props;
  const condition = status.source_condition;
  return (
    <Card title="Where it stands">
      <Facts
        of={[
          ["Source", <code>{status.source}</code>],
          ["Database", <code>{status.database}</code>],
          ["Controller", status.controller ? <Chip tone="good">{`led by ${status.controller}`}</Chip> : <span className="soft">none follows the source; people apply</span>],
          ["Source read", condition ? <><Chip>{condition.condition ?? ""}</Chip> {condition.message}</> : "when asked"],
          ["Pinned policy", status.policy],
          [
            "Suspended",
            status.suspensions?.length
              ? status.suspensions.map((one) => (
                  <div key={one.address}>
                    <Address of={one.address} /> by {one.owner}: {one.reason}
                  </div>
                ))
              : "nothing",
          ],
        ]}
      />
    </Card>
  );
}

function Latest(props: { readonly revision: RevisionSummary | null | undefined }): ReactNode {
  const { revision } = props;
  return (
    <Card title="Last applied">
      {revision ? (
        <Facts
          of={[
            ["Revision", <a href={`#/revisions/${revision.number}`}>{revision.number}</a>],
            ["State", <Chip>{revision.state}</Chip>],
            ["When", <When at={revision.finished_at ?? revision.started_at} />],
            ["By", revision.actor],
            ["Reason", revision.reason],
            ["Commit", revision.commit ? <code>{revision.commit.slice(0, 12)}</code> : ""],
          ]}
        />
      ) : (
        <p className="soft">Nothing was applied yet.</p>
      )}
    </Card>
  );
}

function Recent(): ReactNode {
  const tasks = useTasks({ limit: 6 }, { refetchInterval: OFTEN });
  return (
    <Card title="Newest tasks" flush aside={<a href="#/tasks">All tasks</a>}>
      <Answered of={tasks} what="tasks">
        {() => <TaskTable tasks={itemsOf(tasks.data)} />}
      </Answered>
    </Card>
  );
}

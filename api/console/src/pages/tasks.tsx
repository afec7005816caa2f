import type { TaskLine } from "@reconciler/frontend";
import type { ReactNode } from "react";
import { itemsOf, useTasks } from "@reconciler/frontend/react";
import { Filters, Find } from "../parts/filters";
import { Head } from "../parts/head";
import { Card } from "../parts/marks";
import { More } from "../parts/more";
import { Answered } from "../parts/states";
import { TaskTable } from "../parts/task-table";
import { ask } from "../routing";
import { words } from "../wording";

const STATES: readonly TaskLine["state"][] = ["pending", "running", "succeeded", "failed", "dead_letter", "cancelled"];

export function TasksPage(props: { readonly query: URLSearchParams }): ReactNode {
  const { query } = props;
  const agent = query.get("agent") ?? "";
  const states = (query.get("state") ?? "").split(",").filter(Boolean) as TaskLine["state"][];
  const tasks = useTasks({ ...(agent ? { agent } : {}), ...(states.length ? { state: states } : {}) }, { refetchInterval: 4_000 });

  function toggle(state: TaskLine["state"]): void {
    const wanted = states.includes(state) ? states.filter((one) => one !== state) : [...states, state];
    ask("/tasks", { ...Object.fromEntries(query), state: wanted.join(",") });
  }

  return (
    <>
      <Head title="Tasks">Work for agents, and what became of it. The list looks again by itself.</Head>
      <Filters>
        <Find path="/tasks" query={query} name="agent" label="Of agent" />
        <div className="pills" role="group" aria-label="States">
          {STATES.map((state) => (
            <button key={state} type="button" aria-pressed={states.includes(state)} onClick={() => toggle(state)}>
              {words(state)}
            </button>
          ))}
        </div>
      </Filters>
      <Card flush>
        <Answered of={tasks} what="tasks">{() => <TaskTable tasks={itemsOf(tasks.data)} />}</Answered>
        <More of={tasks} />
      </Card>
    </>
  );
}

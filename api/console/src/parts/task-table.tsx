import type { TaskLine } from "@reconciler/frontend";
import type { ReactNode } from "react";
import { between } from "../wording";
import { Chip, When } from "./marks";
import { Empty } from "./states";

export function TaskTable(props: { readonly tasks: readonly TaskLine[] }): ReactNode {
  if (props.tasks.length === 0) return <Empty title="No tasks.">Run an agent from its page, by the API or with <code>reconcile run</code>.</Empty>;
  return (
    <div className="scroll">
      <table className="list folds">
        <thead>
          <tr>
            <th scope="col">Task</th>
            <th scope="col">State</th>
            <th scope="col">Agent</th>
            <th scope="col">Note</th>
            <th scope="col" className="right">
              Took
            </th>
            <th scope="col">Submitted</th>
          </tr>
        </thead>
        <tbody>
          {props.tasks.map((task) => (
            <tr key={task.id}>
              <td>
                <a className="mono" href={`#/tasks/${task.id}`}>
                  {task.id.slice(-12)}
                </a>
              </td>
              <td>
                <Chip>{task.state}</Chip>
              </td>
              <td>
                <a href={`#/agents/${task.agent}`}>{task.agent}</a>
              </td>
              <td>
                {task.error_message ?? (task.attempts > 1 ? <span className="soft">{`attempt ${task.attempts} of ${task.max_attempts}`}</span> : "")}
              </td>
              <td className="right">{between(task.started_at, task.finished_at)}</td>
              <td>
                <When at={task.submitted_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

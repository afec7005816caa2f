/** The steps of a task, each attempt in a line; live if it is given by its id. */
import type { ReactElement } from "react";
import type { TaskLine, TaskRecord, TaskStep } from "../api.js";
import { useTaskEvents } from "../hooks/tasks.js";
import { Badge, ErrorNote, seconds, toneOf, Waiting } from "./parts.js";

export function TaskTrace(props: { readonly task: TaskLine | TaskRecord<unknown> }): ReactElement {
  const { task } = props;
  const steps = "trace" in task ? task.trace : [];
  const longest = Math.max(...steps.map((step) => step.started + step.duration), 0.001);
  return (
    <section className="rc-task" aria-label={`Task ${task.id}`}>
      <header>
        <Badge tone={toneOf(task.state)}>{task.state}</Badge> <span>{task.agent}</span>{" "}
        <small>
          {task.type} {task.type_version}, attempt {task.attempts} of {task.max_attempts}
        </small>
      </header>
      {task.error_message ? (
        <p className="rc-problem">
          <code>{task.error_code}</code> {task.error_message}
        </p>
      ) : null}
      <ol className="rc-trace" aria-label={`Steps of task ${task.id}`}>
        {steps.map((step, number) => (
          <Step key={number} step={step} whole={longest} />
        ))}
      </ol>
    </section>
  );
}

function Step({ step, whole }: { readonly step: TaskStep; readonly whole: number }): ReactElement {
  const bar = { marginInlineStart: percent(step.started / whole), width: percent(step.duration / whole) };
  return (
    <li className={`rc-step rc-tone-${toneOf(step.status)}`}>
      <span className="rc-step-name">{step.step}</span>{" "}
      <Badge tone={toneOf(step.status)}>{step.status}</Badge>{" "}
      <small>
        in {seconds(step.duration)}
        {step.attempt > 1 ? `, attempt ${step.attempt}` : ""}
        {step.tokens ? `, ${step.tokens} tokens` : ""}
        {step.model ? ` of ${step.model}` : ""}
      </small>
      {step.error ? (
        <span className="rc-problem">
          {" "}
          {step.error_code}: {step.error}
        </span>
      ) : null}
      <span className="rc-bar" aria-hidden="true">
        <span style={bar} />
      </span>
    </li>
  );
}

function percent(share: number): string {
  return `${Math.min(100, Math.max(0.5, share * 100)).toFixed(1)}%`;
}

/** A task as it is being done. */
export function LiveTask(props: { readonly id: string; readonly onEnd?: (task: TaskRecord<unknown>) => void }): ReactElement {
  const { task, error } = useTaskEvents(props.id, props.onEnd);
  return (
    <div aria-live="polite">
      {task ? <TaskTrace task={task} /> : error ? null : <Waiting>Looking for the task…</Waiting>}
      <ErrorNote error={error} />
    </div>
  );
}

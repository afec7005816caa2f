import { hasEnded } from "@reconciler/frontend";
import type { ReactNode } from "react";
import { useCaller, useCancelTask, useRedriveTask, useTask, useTaskEvents } from "@reconciler/frontend/react";
import { Yaml } from "../parts/code";
import { Head } from "../parts/head";
import { Card, Chip, Facts, toneOf, When } from "../parts/marks";
import { Answered, Failure } from "../parts/states";
import { covers } from "../session";
import type { TraceStep } from "../shapes";
import { between, duration, number } from "../wording";
import { yamlDocument } from "../yaml";

/** A task, live until its end. */
export function TaskPage(props: { readonly id: string }): ReactNode {
  const task = useTask(props.id);
  const events = useTaskEvents(task.data && hasEnded(task.data.state) ? undefined : props.id);
  const role = useCaller().data?.role;
  const cancel = useCancelTask();
  const redrive = useRedriveTask();
  const state = events.task?.state ?? task.data?.state;
  return (
    <>
      <Head
        title={`Task ${props.id.slice(-12)}`}
        up={{ to: "/tasks", label: "Tasks" }}
        chip={<span aria-live="polite">{state ? <Chip>{state}</Chip> : null}</span>}
        actions={
          covers(role, "operator") && state ? (
            <>
              {hasEnded(state) ? null : <button type="button" className="danger" disabled={cancel.isPending} onClick={() => cancel.mutate(props.id)}>Cancel</button>}
              {state === "dead_letter" || state === "failed" ? <button type="button" disabled={redrive.isPending} onClick={() => redrive.mutate(props.id)}>Try again</button> : null}
            </>
          ) : null
        }
      />
      {cancel.error ?? redrive.error ? <Failure error={(cancel.error ?? redrive.error)!} /> : null}
      <Answered of={task} what="the task">
        {(found) => {
          const trace = found.trace as unknown as readonly TraceStep[];
          const { input } = found as unknown as { input?: unknown };
          return (
            <div className="stack">
              {found.error_message ? (
                <div className="telling bad" role="alert">
                  <strong>{found.error_message}</strong>
                  <small>{[found.error_code, found.error_where, found.error_hint].filter(Boolean).join(" · ")}</small>
                </div>
              ) : null}
              <div className="split">
                <Card title={hasEnded(found.state) ? "Steps" : "Steps so far"}>
                  {trace.length ? <Trace trace={trace} /> : <p className="soft">{hasEnded(found.state) ? "It came to no step." : "It waits for a worker, or has just begun."}</p>}
                </Card>
                <Card title="About">
                  <Facts
                    of={[
                      ["Agent", <a href={`#/agents/${found.agent}`}>{found.agent}</a>],
                      ["Type", <><a href={`#/types/${found.type}`}>{found.type}</a> <span className="mono soft">{found.type_version}</span></>],
                      ["Attempt", `${found.attempts} of ${found.max_attempts}`],
                      ["Submitted", <><When at={found.submitted_at} /> by {found.actor || found.origin}</>],
                      ["Took", between(found.started_at, found.finished_at)],
                      ["Tokens", number(found.tokens)],
                      ["Id", <code>{found.id}</code>],
                    ]}
                  />
                </Card>
              </div>
              <div className="columns">
                <Card title="Input"><Yaml text={yamlDocument(input ?? {})} label="Input" /></Card>
                <Card title="Output">
                  {found.output ? <Yaml text={yamlDocument(found.output)} label="Output" /> : <p className="soft">{hasEnded(found.state) ? "None." : "None yet."}</p>}
                </Card>
              </div>
            </div>
          );
        }}
      </Answered>
    </>
  );
}

function Trace(props: { readonly trace: readonly TraceStep[] }): ReactNode {
  const first = Math.min(...props.trace.map(({ started }) => started));
  const whole = Math.max(...props.trace.map((step) => step.started - first + step.duration), 0.001);
  return (
    <ol className="trace">
      {props.trace.map((step, index) => (
        <li key={index} data-tone={toneOf(step.status)}>
          <div className="row">
            <strong>{step.step}</strong>
            <span className="soft">{step.call}</span>
            {step.status === "succeeded" ? null : <Chip>{step.status}</Chip>}
            {step.attempt > 1 ? <small>attempt {step.attempt}</small> : null}
            <small className="soft">{duration(step.duration)}</small>
            {step.tokens ? <small>{`${step.model}, ${number(step.tokens)} tokens`}</small> : null}
          </div>
          {step.error ? <div className="rc-problem">{`${step.error_code}: ${step.error}`}</div> : null}
          <div className="waterfall" aria-hidden="true">
            <span style={{ left: `${(100 * (step.started - first)) / whole}%`, width: `${(100 * step.duration) / whole}%` }} />
          </div>
        </li>
      ))}
    </ol>
  );
}

import type { JsonSchema } from "@reconciler/frontend";
import { ResultsTable } from "@reconciler/frontend/components";
import { useId, type ReactNode } from "react";
import { itemsOf, useAgent, useAgents, useAgentType, useResultGroups, useResultSchema } from "@reconciler/frontend/react";
import { Bars, type Bar } from "../parts/bars";
import { Choice, Filters, Find } from "../parts/filters";
import { Head } from "../parts/head";
import { Card } from "../parts/marks";
import { Answered, Empty } from "../parts/states";
import { ask, go } from "../routing";
import { specOf } from "../shapes";
import { words } from "../wording";

/** Rows of an agent: counted by what can be counted, narrowed, and listed. The filters stand in the address. */
export function ResultsPage(props: { readonly agent: string; readonly query: URLSearchParams }): ReactNode {
  const { agent, query } = props;
  const id = useId();
  const agents = useAgents({ kind: "dynamic", limit: 200 });
  return (
    <>
      <Head title={agent ? `Results of ${agent}` : "Results"}>The rows that agents wrote.</Head>
      <div className="filters">
        <div className="field">
          <label htmlFor={id}>Agent</label>
          <select id={id} value={agent} onChange={(event) => go(`/results/${event.target.value}`)}>
            <option value="">choose one</option>
            {itemsOf(agents.data).map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </div>
      </div>
      {agent ? <OfAgent agent={agent} query={query} /> : <Card><Empty title="Whose results?">Choose an agent above.</Empty></Card>}
    </>
  );
}

function OfAgent(props: { readonly agent: string; readonly query: URLSearchParams }): ReactNode {
  const agent = useAgent(props.agent);
  return (
    <Answered of={agent} what="the agent">
      {(found) => (found.type ? <OfType {...props} type={found.type} /> : <Card><Empty title="Agents that are installed as code keep no tables." /></Card>)}
    </Answered>
  );
}

function OfType(props: { readonly agent: string; readonly type: string; readonly query: URLSearchParams }): ReactNode {
  const type = useAgentType(props.type);
  return (
    <Answered of={type} what="the type">
      {(found) => {
        const spec = specOf(found.manifest);
        const models = Object.keys(spec.models ?? {});
        const model = props.query.get("model") ?? spec.output?.model ?? models[0];
        if (model === undefined) return <Card><Empty title="This type has no tables." /></Card>;
        return <OfModel {...props} model={model} models={models} />;
      }}
    </Answered>
  );
}

function OfModel(props: { readonly agent: string; readonly type: string; readonly model: string; readonly models: readonly string[]; readonly query: URLSearchParams }): ReactNode {
  const { agent, type, model, models, query } = props;
  const schema = useResultSchema(agent, model);
  const path = `/results/${agent}`;
  return (
    <Answered of={schema} what="the fields">
      {(found) => {
        const closed = closedFields(found);
        const texts = textFields(found);
        const searched = texts.includes(query.get("in") ?? "") ? (query.get("in") ?? "") : (texts[0] ?? "");
        const said = query.get("has") ?? "";
        const filter: Record<string, never> = Object.fromEntries([
          ...closed.flatMap(([name]) => (query.get(name) ? [[name, query.get(name)]] : [])),
          ...(said && searched ? [[searched, { contains: said }]] : []),
        ]) as Record<string, never>;
        return (
          <div className="stack">
            <Filters>
              {models.length > 1 ? <Choice path={path} query={new URLSearchParams({ model })} name="model" label="Table" options={models.map((one) => [one, one] as const)} /> : null}
              {closed.map(([name, values]) => (
                <Choice key={name} path={path} query={query} name={name} label={words(name)} options={[["", "any"], ...values.map((value) => [value, value] as const)]} />
              ))}
              {texts.length ? (
                <>
                  <Choice path={path} query={query} name="in" label="Text in" options={texts.map((one) => [one, words(one)] as const)} />
                  <Find path={path} query={query} name="has" label={`${words(searched)} contains`} />
                </>
              ) : null}
            </Filters>
            {closed.length ? (
              <div className="columns">
                {closed.slice(0, 3).map(([name]) => (
                  <Counted key={name} {...props} field={name} filter={filter} chosen={query.get(name) ?? ""} />
                ))}
              </div>
            ) : null}
            <Card flush>
              <ResultsTable key={`${agent}-${model}`} type={type} agent={agent} model={model} query={{ filter, limit: 100 }} caption={`${words(model)} rows of ${agent}`} />
            </Card>
          </div>
        );
      }}
    </Answered>
  );
}

/** How many rows there are of each value, as bars that narrow the list. */
function Counted(props: { readonly agent: string; readonly type: string; readonly model: string; readonly field: string; readonly filter: Record<string, never>; readonly chosen: string; readonly query: URLSearchParams }): ReactNode {
  const { agent, field, chosen, query } = props;
  const { [field]: _own, ...others } = props.filter;
  const groups = useResultGroups(props.type, agent, props.model, { group: [field], measure: ["count"], filter: others });
  return (
    <Card title={`By ${words(field)}`}>
      <Answered of={groups} what={`counts by ${words(field)}`}>
        {(found) => {
          const bars: Bar[] = found.map((one) => ({ label: one[field] === null ? "none" : String(one[field]), count: Number(one["count"]) }));
          if (bars.length === 0) return <p className="soft">No rows.</p>;
          return <Bars bars={bars} chosen={chosen} onChoose={(label) => ask(`/results/${agent}`, { ...Object.fromEntries(query), [field]: label === chosen ? "" : label })} />;
        }}
      </Answered>
    </Card>
  );
}

interface Property {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Property[];
  readonly format?: string;
}

function properties(schema: JsonSchema): [string, Property][] {
  const all = (schema as unknown as { properties?: Record<string, Property> }).properties ?? {};
  return Object.entries(all).map(([name, property]) => [name, property.anyOf?.find(({ type }) => type !== "null") ?? property]);
}

/** Fields of which all values are known, with them. */
function closedFields(schema: JsonSchema): [string, string[]][] {
  return properties(schema).flatMap(([name, { type, enum: values }]): [string, string[]][] => {
    if (values) return [[name, values.map(String)]];
    return type === "boolean" ? [[name, ["true", "false"]]] : [];
  });
}

function textFields(schema: JsonSchema): string[] {
  return properties(schema).flatMap(([name, { type, enum: values, format }]) => (type === "string" && !values && !format ? [name] : []));
}

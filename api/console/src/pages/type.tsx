import { useState, type ReactNode } from "react";
import { itemsOf, useAgentType, useAgentTypeVersions, useAgents } from "@reconciler/frontend/react";
import { Yaml } from "../parts/code";
import { Head } from "../parts/head";
import { Card, Chip, Facts, When } from "../parts/marks";
import { Answered } from "../parts/states";
import { specOf, type Field, type Fields, type Step, type TypeSpec } from "../shapes";
import { shown, words } from "../wording";
import { yamlDocument } from "../yaml";

export function TypePage(props: { readonly name: string }): ReactNode {
  const { name } = props;
  const type = useAgentType(name);
  const versions = useAgentTypeVersions(name);
  const agents = itemsOf(useAgents({ type: name }).data);
  const [raw, setRaw] = useState(false);
  return (
    <>
      <Head
        title={name}
        up={{ to: "/types", label: "Types" }}
        chip={type.data ? <><Chip>{type.data.status}</Chip><span className="chip bare mono">{type.data.version}</span></> : null}
        actions={
          <button type="button" aria-pressed={raw} onClick={() => setRaw(!raw)}>
            {raw ? "Show it in words" : "Show the manifest"}
          </button>
        }
      >
        {type.data?.description}
      </Head>
      <Answered of={type} what="the type">
        {(found) =>
          raw ? (
            <Yaml text={yamlDocument(found.manifest)} label="Manifest" />
          ) : (
            <div className="stack">
              {found.deprecated ? <p className="telling warn">{`Deprecated: ${found.deprecated}${found.sunset ? `; no new tasks from ${found.sunset}` : ""}`}</p> : null}
              <div className="columns">
                <Card title="About">
                  <Facts
                    of={[
                      ["Title", found.title],
                      ["Owner", found.owner],
                      ["Labels", Object.entries(found.labels).map(([key, value]) => `${key}=${value}`).join(", ")],
                      ["Registered", <When at={found.registered_at} />],
                      ["Revision", <a href={`#/revisions/${found.revision}`}>{found.revision}</a>],
                      ["Limits", Object.entries(specOf(found.manifest).limits ?? {}).map(([key, value]) => `${words(key)} ${shown(value)}`).join(", ")],
                      ["Agents", agents.map((agent) => <div key={agent.name}><a href={`#/agents/${agent.name}`}>{agent.name}</a></div>)],
                    ]}
                  />
                </Card>
                <Card title="Pipeline">
                  <Pipeline steps={specOf(found.manifest).pipeline ?? []} />
                </Card>
              </div>
              <Contract spec={specOf(found.manifest)} />
              <Card title="Versions" flush>
                <Answered of={versions} what="versions">
                  {(list) => (
                    <table className="list folds">
                      <thead><tr><th scope="col">Version</th><th scope="col">Registered</th><th scope="col">Revision</th><th scope="col">State</th></tr></thead>
                      <tbody>
                        {list.map((one) => (
                          <tr key={`${one.version}-${one.revision}`}>
                            <td className="mono">{one.version}</td>
                            <td><When at={one.registered_at} /></td>
                            <td><a href={`#/revisions/${one.revision}`}>{one.revision}</a></td>
                            <td>{one.current ? <Chip tone="good">live</Chip> : <Chip tone="quiet">former</Chip>}</td>
                          </tr>
                        ))}
                      </tbody>
                    </table>
                  )}
                </Answered>
              </Card>
            </div>
          )
        }
      </Answered>
    </>
  );
}

function Contract(props: { readonly spec: TypeSpec }): ReactNode {
  const { spec } = props;
  return (
    <>
      <FieldCard title="Input" fields={spec.input} />
      {Object.entries(spec.models ?? {}).map(([model, { fields }]) => (
        <FieldCard key={model} title={`Table: ${model}`} fields={fields} />
      ))}
      <FieldCard title="Settings" fields={spec.settings} />
    </>
  );
}

function FieldCard(props: { readonly title: string; readonly fields: Fields | undefined }): ReactNode {
  const fields = Object.entries(props.fields ?? {});
  if (fields.length === 0) return null;
  return (
    <Card title={props.title} flush>
      <div className="scroll">
        <table className="list folds">
          <thead><tr><th scope="col">Field</th><th scope="col">Type</th><th scope="col">Rules</th></tr></thead>
          <tbody>
            {fields.map(([name, given]) => {
              const field: Field = typeof given === "string" ? { type: given } : given;
              return (
                <tr key={name}>
                  <td className="name mono">{name}</td>
                  <td>{field.type}</td>
                  <td>{rulesOf(field)}{field.description ? <small>{field.description}</small> : null}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function rulesOf(field: Field): string {
  const { type: _type, description: _description, ...rules } = field;
  return Object.entries(rules).filter(([, value]) => value !== false && value !== null)
    .map(([name, value]) => (value === true ? words(name) : `${words(name)} ${Array.isArray(value) ? value.join(", ") : shown(value)}`))
    .join(" · ");
}

function Pipeline(props: { readonly steps: readonly Step[] }): ReactNode {
  return (
    <ol className="trace">
      {props.steps.map((step, index) => (
        <li key={step.id ?? index}>
          <strong>{step.id ?? "side by side"}</strong>{" "}
          <span className="soft">{step.tool ?? (step.agent ? `agent ${step.agent}` : (step.parallel ?? []).map(({ id }) => id).join(", "))}</span>
          {step.for_each ? <small className="soft"> for each <code>{step.for_each}</code></small> : null}
          {step.when ? <div><small>when <code>{step.when}</code></small></div> : null}
          {step.fallback?.tool ? <div><small>else {step.fallback.tool}</small></div> : null}
        </li>
      ))}
    </ol>
  );
}

/** What narrows a list. It stands in the address, so that it can be sent to somebody. */
import { useEffect, useId, useState, type ReactNode } from "react";
import { ask } from "../routing";

const PAUSE = 250;

export function Filters(props: { readonly children: ReactNode }): ReactNode {
  return (
    <div role="search" className="filters">
      {props.children}
    </div>
  );
}

/** A text that is asked for once nobody has typed for a moment. */
export function Find(props: { readonly path: string; readonly query: URLSearchParams; readonly label: string; readonly name?: string }): ReactNode {
  const { path, query, name = "q" } = props;
  const id = useId();
  const given = query.get(name) ?? "";
  const [written, setWritten] = useState(given);
  useEffect(() => {
    if (written === given) return undefined;
    const timer = setTimeout(() => ask(path, { ...Object.fromEntries(query), [name]: written }), PAUSE);
    return () => clearTimeout(timer);
  }, [written, given, path, query, name]);
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      <input id={id} type="search" value={written} onChange={(event) => setWritten(event.target.value)} />
    </div>
  );
}

export function Choice(props: {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly name: string;
  readonly label: string;
  readonly options: readonly (readonly [string, string])[];
}): ReactNode {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      <select id={id} value={props.query.get(props.name) ?? ""} onChange={(event) => ask(props.path, { ...Object.fromEntries(props.query), [props.name]: event.target.value })}>
        {props.options.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}

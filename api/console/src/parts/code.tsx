/** SQL and YAML to be read. Words are marked by splitting, never by HTML. */
import type { ReactNode } from "react";

const SQL_PARTS = /('(?:[^']|'')*'|\b(?:ADD|ALTER|AND|AS|BEGIN|BY|CASCADE|CHECK|COLUMN|COMMIT|CONSTRAINT|CREATE|DEFAULT|DELETE|DROP|EXISTS|FOREIGN|FROM|IF|IN|INDEX|INSERT|INTO|IS|KEY|NOT|NULL|ON|OR|PRIMARY|REFERENCES|RENAME|SELECT|SET|TABLE|TO|UNIQUE|UPDATE|VALUES|WHERE|WITH)\b)/g;

export function Sql(props: { readonly statements: readonly string[] }): ReactNode {
  return (
    <pre className="code sql">
      {props.statements.flatMap((statement, number) => [
        ...`${statement};\n`.split(SQL_PARTS).map((part, index) =>
          index % 2 === 0 ? (
            part
          ) : (
            <span key={`${number}-${index}`} className={part.startsWith("'") ? "text" : "word"}>
              {part}
            </span>
          ),
        ),
      ])}
    </pre>
  );
}

export function Yaml(props: { readonly text: string; readonly label: string }): ReactNode {
  return (
    <pre className="code yaml" tabIndex={0} role="region" aria-label={props.label}>
      {props.text.split("\n").map((line, index) => {
        const [, before = "", key = "", after = ""] = /^(\s*(?:- )?)([\w-]+:)?(.*)$/.exec(line) ?? [];
        return (
          <span key={index}>
            {before}
            {key ? <span className="word">{key}</span> : null}
            {after}
            {"\n"}
          </span>
        );
      })}
    </pre>
  );
}

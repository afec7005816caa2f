/** Rows of an agent: sorted, found, and read on while one scrolls. Of thousands only what is seen is in the page. */
import { useEffect, useMemo, useRef, useState, type ReactElement, type ReactNode } from "react";
import type { JsonSchema } from "../api.js";
import type { Filters, ModelOf, RowOf, TypeName } from "../client.js";
import { useTypeSchemas } from "../hooks/agents.js";
import { itemsOf } from "../hooks/reading.js";
import { useResults, type ResultFilter } from "../hooks/results.js";
import { fieldsOf } from "../json_schema.js";
import { ErrorNote, plural, Waiting } from "./parts.js";
import { useVisibleRows } from "./virtual_rows.js";

export interface ResultsTableProps<T extends TypeName, M extends ModelOf<T>> {
  readonly type: T;
  readonly agent: string;
  readonly model: M;
  readonly query?: ResultFilter<RowOf<T, M>>;
  /** Which fields, in this order; else all. */
  readonly columns?: readonly (keyof RowOf<T, M> & string)[];
  readonly caption?: string;
  /** Pixels of the part that scrolls. */
  readonly height?: number;
  readonly onSelect?: (row: RowOf<T, M>) => void;
}

const ROW = 36;
/** Rows before the end of what is there at which more are asked for. */
const AHEAD = 40;
const SYSTEM = new Set(["id", "task_id", "agent", "type_version", "created_at", "deleted_at"]);

export function ResultsTable<T extends TypeName, M extends ModelOf<T>>(props: ResultsTableProps<T, M>): ReactElement {
  const { query = {}, height = 480 } = props;
  const [sort, setSort] = useState<string | undefined>(query.sort?.[0]);
  const asked = { limit: 200, ...query, ...(sort === undefined ? {} : { sort: [sort] }) } as ResultFilter<RowOf<T, M>>;
  const results = useResults(props.type, props.agent, props.model, asked);
  const schemas = useTypeSchemas(props.type);
  const schema = schemas.data?.models[props.model];
  const columns = useColumns(schema, props.columns);
  const rows = useMemo(() => itemsOf(results.data) as Record<string, unknown>[], [results.data]);

  const scroller = useRef<HTMLDivElement>(null);
  const { first, end } = useVisibleRows(scroller, rows.length, ROW);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = results;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && end > rows.length - AHEAD) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, end, rows.length]);

  const caption = props.caption ?? `${props.model} of ${props.agent}`;
  return (
    <div className="rc-results" aria-busy={results.isFetching}>
      <ErrorNote error={results.error ?? schemas.error} />
      <div ref={scroller} className="rc-scroller" style={{ maxHeight: height }} tabIndex={0} role="region" aria-label={caption}>
        <table aria-rowcount={hasNextPage ? -1 : rows.length + 1}>
          <caption className="rc-unseen">{caption}</caption>
          <thead>
            <tr aria-rowindex={1}>
              {columns.map(({ name }) => (
                <Heading key={name} name={name} sort={sort} onSort={setSort} />
              ))}
            </tr>
          </thead>
          <tbody>
            <Space rows={first} columns={columns.length} />
            {rows.slice(first, end).map((row, number) => (
              <tr key={String(row["id"])} aria-rowindex={first + number + 2} style={{ height: ROW }}>
                {columns.map(({ name, sensitive }, column) => (
                  <td key={name}>
                    {column === 0 && props.onSelect ? (
                      <button type="button" className="rc-link" onClick={() => props.onSelect?.(row as never)}>
                        {shown(row[name], sensitive)}
                      </button>
                    ) : (
                      shown(row[name], sensitive)
                    )}
                  </td>
                ))}
              </tr>
            ))}
            <Space rows={rows.length - end} columns={columns.length} />
          </tbody>
        </table>
      </div>
      <p className="rc-count" role="status">
        {results.isSuccess
          ? rows.length === 0
            ? "No rows."
            : `${plural(rows.length, "row")}${hasNextPage ? " so far" : ""}`
          : null}
      </p>
      {results.isPending && !results.error ? <Waiting>Reading rows…</Waiting> : null}
    </div>
  );
}

interface Column {
  readonly name: string;
  readonly sensitive: boolean;
}

function useColumns(schema: JsonSchema | undefined, wanted: readonly string[] | undefined): readonly Column[] {
  return useMemo(() => {
    const fields = new Map(fieldsOf(schema ?? {}).map((field) => [field.name, field]));
    const names = wanted ?? ["id", ...[...fields.keys()].filter((name) => !SYSTEM.has(name))];
    return names.map((name) => ({ name, sensitive: fields.get(name)?.sensitive ?? false }));
  }, [schema, wanted]);
}

interface HeadingProps {
  readonly name: string;
  readonly sort: string | undefined;
  readonly onSort: (sort: string | undefined) => void;
}

/** Sorts by its column: upwards, downwards, not at all. */
function Heading({ name, sort, onSort }: HeadingProps): ReactElement {
  const order = sort === name ? "ascending" : sort === `-${name}` ? "descending" : "none";
  const next = { none: name, ascending: `-${name}`, descending: undefined }[order];
  const arrow = { none: "", ascending: " ↑", descending: " ↓" }[order];
  return (
    <th scope="col" aria-sort={order}>
      <button type="button" className="rc-sort" onClick={() => onSort(next)}>
        {name}
        <span aria-hidden="true">{arrow}</span>
      </button>
    </th>
  );
}

/** As high as the rows that are not there. */
function Space(props: { readonly rows: number; readonly columns: number }): ReactElement | null {
  if (props.rows <= 0) return null;
  return (
    <tr aria-hidden="true" style={{ height: props.rows * ROW }}>
      <td colSpan={props.columns} />
    </tr>
  );
}

function shown(value: unknown, sensitive: boolean): ReactNode {
  if (value === null || value === undefined) return <span className="rc-none">–</span>;
  if (sensitive) return <span className="rc-hidden">hidden</span>;
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return <span title={text.length > 30 ? text.slice(0, 500) : undefined}>{text}</span>;
}

export interface ResultsFilterProps<Row> {
  /** Of the rows, as `useTypeSchemas` gives it. */
  readonly schema: JsonSchema;
  readonly value: Filters<Row>;
  readonly onChange: (value: Filters<Row>) => void;
}

/** A choice for each field that has few values, and a word to look for in each that is text. */
export function ResultsFilter<Row>({ schema, value, onChange }: ResultsFilterProps<Row>): ReactElement {
  const fields = fieldsOf(schema).filter(({ name, sensitive }) => !SYSTEM.has(name) && !sensitive);
  const chosen = value as Readonly<Record<string, unknown>>;
  const change = (name: string, wanted: unknown): void => {
    const { [name]: _gone, ...others } = chosen;
    onChange((wanted === undefined ? others : { ...others, [name]: wanted }) as Filters<Row>);
  };
  return (
    <div className="rc-filters" role="search">
      {fields.map(({ name, kind, schema: field }) => {
        const choices = kind === "boolean" ? ["true", "false"] : field.enum;
        if (choices !== undefined) {
          return (
            <label key={name}>
              {name}
              <select
                value={chosen[name] === undefined ? "" : String(chosen[name])}
                onChange={({ target }) => change(name, target.value === "" ? undefined : target.value)}
              >
                <option value="">any</option>
                {choices.map((choice) => (
                  <option key={choice}>{choice}</option>
                ))}
              </select>
            </label>
          );
        }
        if (kind !== "text" && kind !== "long") return null;
        const words = chosen[name] as { contains?: string } | undefined;
        return (
          <label key={name}>
            {name}
            <input
              type="search"
              placeholder="contains"
              value={words?.contains ?? ""}
              onChange={({ target }) => change(name, target.value === "" ? undefined : { contains: target.value })}
            />
          </label>
        );
      })}
    </div>
  );
}

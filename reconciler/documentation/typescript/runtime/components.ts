/**
 * Plain components over the hooks: a form to run an agent, a table of its results, the trace of a task. They bring no
 * style; classes begin with `rc-`. Elements are made by `createElement`, so that no compiler of JSX is needed.
 */
import { createElement as h, useId, useState, type FormEvent, type ReactElement, type ReactNode } from "react";
import type { TaskRecord } from "./api.js";
import type { InputOf, ModelOf, OutputOf, ResultQuery, RowOf, TypeName } from "./client.js";
import { inputFields, rowFields, type FieldInfo } from "./fields.js";
import { useResults, useRunTask } from "./react.js";
import { inputValidators } from "./validators.js";

export interface RunFormProps<T extends TypeName> {
  readonly type: T;
  readonly agent: string;
  readonly submitLabel?: string;
  readonly onEnd?: (task: TaskRecord<OutputOf<T>>) => void;
}

/** A field for each part of the type's input. What does not fit is said beside its field, before anything is sent. */
export function RunForm<T extends TypeName>(props: RunFormProps<T>): ReactElement {
  const { type, agent } = props;
  const id = useId();
  const run = useRunTask(type, agent);
  const [written, setWritten] = useState<Readonly<Record<string, string>>>({});
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({});
  const fields: Readonly<Record<string, FieldInfo>> = inputFields[type as keyof typeof inputFields];

  function submit(event: FormEvent): void {
    event.preventDefault();
    const { values, unread } = valuesOf(fields, written);
    const found = inputValidators[type as keyof typeof inputValidators].safeParse(values);
    const told: Record<string, string> = { ...unread };
    for (const issue of found.success ? [] : found.error.issues) {
      const name = String(issue.path[0] ?? "");
      if (!Object.hasOwn(told, name)) told[name] = issue.message;
    }
    setProblems(told);
    if (Object.keys(told).length > 0) return;
    run.mutate(values as unknown as InputOf<T>, { onSuccess: (task) => props.onEnd?.(task) });
  }

  const rows = Object.entries(fields).map(([name, field]) =>
    h(FieldRow, {
      key: name,
      id: `${id}-${name}`,
      name,
      field,
      value: own(written, name) ?? "",
      problem: own(problems, name),
      onChange: (value: string) => setWritten((before) => ({ ...before, [name]: value })),
    }),
  );
  return h(
    "form",
    { className: "rc-run-form", onSubmit: submit, noValidate: true, "aria-busy": run.isPending },
    ...rows,
    own(problems, "") === undefined ? null : h("p", { role: "alert", className: "rc-problem" }, problems[""]),
    h("button", { type: "submit", disabled: run.isPending }, props.submitLabel ?? "Run"),
    run.error ? h("p", { role: "alert", className: "rc-problem" }, run.error.message) : null,
    run.data ? h("p", { role: "status", className: "rc-state" }, run.data.state) : null,
  );
}

interface FieldRowProps {
  readonly id: string;
  readonly name: string;
  readonly field: FieldInfo;
  readonly value: string;
  readonly problem: string | undefined;
  readonly onChange: (value: string) => void;
}

function FieldRow(props: FieldRowProps): ReactElement {
  const { id, name, field, problem } = props;
  const described = [field.description ? `${id}-about` : "", problem ? `${id}-problem` : ""].filter(Boolean).join(" ");
  const shared = {
    id,
    name,
    value: props.value,
    required: field.required,
    "aria-invalid": problem !== undefined,
    "aria-describedby": described || undefined,
    onChange: (event: { target: { value: string } }) => props.onChange(event.target.value),
  };
  return h(
    "div",
    { className: "rc-field" },
    h("label", { htmlFor: id }, name, field.required ? " *" : ""),
    inputOf(field, shared),
    field.description ? h("small", { id: `${id}-about` }, field.description) : null,
    problem ? h("p", { id: `${id}-problem`, role: "alert", className: "rc-problem" }, problem) : null,
  );
}

function inputOf(field: FieldInfo, shared: Record<string, unknown>): ReactElement {
  const choices = field.type === "boolean" ? ["true", "false"] : field.values;
  if (choices !== undefined) {
    const options = ["", ...choices].map((value) => h("option", { key: value, value }, value));
    return h("select", shared, ...options);
  }
  if (field.type === "text" || field.type === "json" || field.type === "list") return h("textarea", { ...shared, rows: 4 });
  return h("input", { ...shared, type: field.sensitive ? "password" : (INPUT_TYPES[field.type] ?? "text") });
}

const INPUT_TYPES: Readonly<Record<string, string>> = { date: "date" };

/** A field may be called `constructor`, which every object has from its prototype. */
function own(values: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

/** What was written as values: nothing is no value, lists are one item per line or JSON. */
function valuesOf(
  fields: Readonly<Record<string, FieldInfo>>,
  written: Readonly<Record<string, string>>,
): { values: Record<string, unknown>; unread: Record<string, string> } {
  const values: Record<string, unknown> = {};
  const unread: Record<string, string> = {};
  for (const [name, field] of Object.entries(fields)) {
    const text = own(written, name) ?? "";
    if (text === "") {
      if (field.required) unread[name] = "is required";
      continue;
    }
    try {
      values[name] = valueOf(field, text);
    } catch {
      unread[name] = "is not JSON";
    }
  }
  return { values, unread };
}

function valueOf(field: FieldInfo, text: string): unknown {
  switch (field.type) {
    case "integer":
    case "number":
    case "reference":
      return text.trim() === "" ? text : Number(text);
    case "boolean":
      return text === "true";
    case "json":
      return JSON.parse(text) as unknown;
    case "list":
      return text.trimStart().startsWith("[")
        ? (JSON.parse(text) as unknown)
        : text.split(/\r?\n/).filter((line) => line !== "");
    default:
      return text;
  }
}

export interface ResultsTableProps<T extends TypeName, M extends ModelOf<T>> {
  readonly type: T;
  readonly agent: string;
  readonly model: M;
  readonly query?: Omit<ResultQuery<RowOf<T, M>>, "cursor" | "signal">;
  /** Which fields, in this order; else all. */
  readonly columns?: readonly (keyof RowOf<T, M> & string)[];
  readonly caption?: string;
}

/** Rows of an agent, with a button for more. */
export function ResultsTable<T extends TypeName, M extends ModelOf<T>>(props: ResultsTableProps<T, M>): ReactElement {
  const results = useResults(props.type, props.agent, props.model, props.query);
  const known: Readonly<Record<string, Readonly<Record<string, FieldInfo>>>> =
    rowFields[props.type as keyof typeof rowFields];
  const columns: readonly string[] = props.columns ?? ["id", ...Object.keys(known[props.model] ?? {})];
  if (results.error) return h("p", { role: "alert", className: "rc-problem" }, results.error.message);
  const rows = (results.data?.pages ?? []).flatMap((page) => page.items) as Record<string, unknown>[];
  const body = rows.map((row) =>
    h(
      "tr",
      { key: String(row["id"]) },
      ...columns.map((name) => h("td", { key: name }, shown(row[name], known[props.model]?.[name]))),
    ),
  );
  return h(
    "div",
    { className: "rc-results", "aria-busy": results.isFetching },
    h(
      "table",
      null,
      h("caption", null, props.caption ?? `${props.model} of ${props.agent}`),
      h("thead", null, h("tr", null, ...columns.map((name) => h("th", { key: name, scope: "col" }, name)))),
      h("tbody", null, ...body),
    ),
    results.isSuccess && rows.length === 0 ? h("p", null, "No rows yet.") : null,
    results.hasNextPage
      ? h(
          "button",
          { type: "button", onClick: () => void results.fetchNextPage(), disabled: results.isFetchingNextPage },
          "More",
        )
      : null,
  );
}

function shown(value: unknown, field: FieldInfo | undefined): ReactNode {
  if (value === null || value === undefined) return h("span", { className: "rc-none", "aria-label": "none" }, "–");
  if (field?.sensitive) return h("span", { className: "rc-hidden" }, "hidden");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The steps of a task, each attempt in a line. */
export function TaskTrace(props: { readonly task: TaskRecord<unknown> }): ReactElement {
  const steps = props.task.trace.map((step, number) =>
    h(
      "li",
      { key: number, className: `rc-step rc-${step.status}` },
      h("span", { className: "rc-step-name" }, step.step),
      " ",
      h("span", { className: "rc-step-status" }, step.status),
      ` in ${Math.round(step.duration * 1000)} ms`,
      step.error ? h("span", { className: "rc-problem" }, ` ${step.error_code}: ${step.error}`) : null,
    ),
  );
  return h("ol", { className: "rc-trace", "aria-label": `Steps of task ${props.task.id}` }, ...steps);
}

/** A form made of a JSON Schema, and one that runs an agent with what was filled in. */
import { useId, useMemo, useState, type FormEvent, type ReactElement } from "react";
import type { z } from "zod";
import type { JsonObject, JsonSchema, SubmittedTask, TaskRecord } from "../api.js";
import type { InputOf, OutputOf, TypeName } from "../client.js";
import { useTypeSchemas } from "../hooks/agents.js";
import { useSubmitTask, useTaskEvents } from "../hooks/tasks.js";
import { inputValidators } from "../instance/validators.js";
import { fieldsOf, validatorOf, valueOf, type Field } from "../json_schema.js";
import { Badge, ErrorNote, toneOf, Waiting } from "./parts.js";

export interface SchemaFormProps {
  readonly schema: JsonSchema;
  /** Stricter than the schema, if there is one. */
  readonly validator?: z.ZodType;
  readonly submitLabel?: string;
  readonly busy?: boolean;
  readonly onSubmit: (values: JsonObject) => void;
}

/** A field for each property. What does not fit is said beside its field, before anything is sent. */
export function SchemaForm(props: SchemaFormProps): ReactElement {
  const { schema, onSubmit } = props;
  const id = useId();
  const fields = useMemo(() => fieldsOf(schema), [schema]);
  const validator = useMemo(() => props.validator ?? validatorOf(schema), [props.validator, schema]);
  const [written, setWritten] = useState<Texts>({});
  const [problems, setProblems] = useState<Texts>({});

  function submit(event: FormEvent): void {
    event.preventDefault();
    const { values, unread } = valuesOf(fields, written);
    const found = validator.safeParse(values);
    const told: Record<string, string> = { ...unread };
    for (const issue of found.success ? [] : found.error.issues) {
      const name = String(issue.path[0] ?? "");
      if (!Object.hasOwn(told, name)) told[name] = issue.message;
    }
    setProblems(told);
    const [first] = fields.filter((field) => Object.hasOwn(told, field.name));
    if (Object.keys(told).length === 0) onSubmit(values);
    else if (first) document.getElementById(`${id}-${first.name}`)?.focus();
  }

  return (
    <form className="rc-form" onSubmit={submit} noValidate aria-busy={props.busy ?? false}>
      {fields.map((field) => (
        <FieldRow
          key={field.name}
          id={`${id}-${field.name}`}
          field={field}
          value={own(written, field.name) ?? ""}
          problem={own(problems, field.name)}
          onChange={(value) => setWritten((before) => ({ ...before, [field.name]: value }))}
        />
      ))}
      {own(problems, "") === undefined ? null : (
        <p role="alert" className="rc-problem">
          {problems[""]}
        </p>
      )}
      <button type="submit" className="rc-button rc-primary" disabled={props.busy ?? false}>
        {props.submitLabel ?? "Send"}
      </button>
    </form>
  );
}

type Texts = Readonly<Record<string, string>>;

interface FieldRowProps {
  readonly id: string;
  readonly field: Field;
  readonly value: string;
  readonly problem: string | undefined;
  readonly onChange: (value: string) => void;
}

function FieldRow(props: FieldRowProps): ReactElement {
  const { id, field, problem } = props;
  const about = field.description || aboutOf(field);
  const described = [about ? `${id}-about` : "", problem ? `${id}-problem` : ""].filter(Boolean).join(" ");
  const shared = {
    id,
    name: field.name,
    value: props.value,
    required: field.required,
    "aria-invalid": problem !== undefined,
    "aria-describedby": described || undefined,
    onChange: (event: { target: { value: string } }) => props.onChange(event.target.value),
  };
  return (
    <div className="rc-field">
      <label htmlFor={id}>
        {field.name}
        {field.required ? <span aria-hidden="true"> *</span> : null}
      </label>
      <Control field={field} shared={shared} />
      {about ? <small id={`${id}-about`}>{about}</small> : null}
      {problem ? (
        <p id={`${id}-problem`} role="alert" className="rc-problem">
          {problem}
        </p>
      ) : null}
    </div>
  );
}

function Control(props: { readonly field: Field; readonly shared: Record<string, unknown> }): ReactElement {
  const { field, shared } = props;
  const choices = field.kind === "boolean" ? ["true", "false"] : field.schema.enum;
  if (choices !== undefined) {
    return (
      <select {...shared}>
        <option value="" />
        {choices.map((value) => (
          <option key={value} value={value}>
            {value}
          </option>
        ))}
      </select>
    );
  }
  if (!field.sensitive && ["long", "json", "list"].includes(field.kind)) return <textarea {...shared} rows={4} />;
  const type = field.sensitive ? "password" : field.kind === "date" ? "date" : "text";
  return <input {...shared} type={type} inputMode={field.kind === "number" ? "decimal" : undefined} autoComplete="off" />;
}

function aboutOf(field: Field): string {
  if (field.kind === "list") return "One item per line, or JSON.";
  if (field.kind === "json") return "JSON.";
  if (field.kind === "datetime") return "As 2025-12-31T23:59:00Z.";
  if (field.schema.contentEncoding !== undefined) return "In base64.";
  return field.schema.default === undefined ? "" : `Else ${JSON.stringify(field.schema.default)}.`;
}

/** A field may be called `constructor`, which every object has from its prototype. */
function own(values: Texts, name: string): string | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

function valuesOf(fields: readonly Field[], written: Texts): { values: JsonObject; unread: Record<string, string> } {
  const values: JsonObject = {};
  const unread: Record<string, string> = {};
  for (const field of fields) {
    const text = own(written, field.name) ?? "";
    if (text === "") {
      if (field.required) unread[field.name] = "is required";
      continue;
    }
    try {
      values[field.name] = valueOf(field, text);
    } catch {
      unread[field.name] = "is not JSON";
    }
  }
  return { values, unread };
}

export interface RunFormProps<T extends TypeName> {
  readonly type: T;
  readonly agent: string;
  readonly submitLabel?: string;
  readonly onSubmitted?: (task: SubmittedTask) => void;
  readonly onEnd?: (task: TaskRecord<OutputOf<T>>) => void;
}

/** Runs an agent: a field for each part of its type's input, then what became of the task, live. */
export function RunForm<T extends TypeName>(props: RunFormProps<T>): ReactElement {
  const { type, agent, onEnd } = props;
  const schemas = useTypeSchemas(type);
  const submission = useSubmitTask(type, agent);
  const id = submission.data?.id;
  const { task, phase, error } = useTaskEvents<T>(id, onEnd);
  const validator = Object.hasOwn(inputValidators, type)
    ? inputValidators[type as keyof typeof inputValidators]
    : undefined;
  const state = task?.state ?? submission.data?.state;
  return (
    <div className="rc-run-form">
      {schemas.data ? (
        <SchemaForm
          schema={schemas.data.input}
          {...(validator === undefined ? {} : { validator })}
          submitLabel={props.submitLabel ?? "Run"}
          busy={submission.isPending || (id !== undefined && (phase === "connecting" || phase === "open"))}
          onSubmit={(values) =>
            submission.mutate(values as unknown as InputOf<T>, { onSuccess: (made) => props.onSubmitted?.(made) })
          }
        />
      ) : schemas.error ? null : (
        <Waiting>Asking what {type} takes…</Waiting>
      )}
      <ErrorNote error={schemas.error ?? submission.error ?? error} />
      <p role="status" className="rc-state">
        {state === undefined ? null : <Badge tone={toneOf(state)}>{state}</Badge>}
        {task?.error_message ? ` ${task.error_message}` : null}
      </p>
    </div>
  );
}

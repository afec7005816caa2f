/** What a form and a table need to know of a JSON Schema, and a validator made of it. */
import { z } from "zod";
import type { JsonSchema, JsonValue } from "./api.js";
import * as rules from "./rules.js";

export type Kind = "boolean" | "choice" | "date" | "datetime" | "json" | "list" | "long" | "number" | "text";

/** One property of an object. `schema` is that of a value that is not null. */
export interface Field {
  readonly name: string;
  readonly kind: Kind;
  readonly schema: JsonSchema;
  /** It must be there: there is no default, and null is not allowed. */
  readonly required: boolean;
  readonly description: string;
  readonly sensitive: boolean;
}

const LONG = 200;

export function fieldsOf(schema: JsonSchema): Field[] {
  return Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const { value } = unwrapped(property);
    return {
      name,
      kind: kindOf(value),
      schema: value,
      required: schema.required?.includes(name) ?? false,
      description: property.description ?? "",
      sensitive: property["x-sensitive"] === true,
    };
  });
}

function kindOf(schema: JsonSchema): Kind {
  if (schema.enum !== undefined) return "choice";
  switch (schema.type) {
    case "boolean":
      return "boolean";
    case "integer":
    case "number":
      return "number";
    case "array":
      return "list";
    case "string":
      break;
    default:
      return "json";
  }
  if (schema.format === "date") return "date";
  if (schema.format === "date-time") return "datetime";
  if (schema.pattern !== undefined || schema.format !== undefined) return "text";
  return (schema.maxLength ?? Infinity) > LONG ? "long" : "text";
}

/** The schema without the null that it may allow. */
function unwrapped(schema: JsonSchema): { value: JsonSchema; nullable: boolean } {
  const [first, second, ...more] = schema.anyOf ?? [];
  if (first !== undefined && second?.type === "null" && more.length === 0) return { value: first, nullable: true };
  return { value: schema, nullable: false };
}

/** Refuses what the server refuses, as far as the schema tells. */
export function validatorOf(schema: JsonSchema): z.ZodType {
  const { value, nullable } = unwrapped(schema);
  const made = ofValue(value);
  return nullable ? made.nullable() : made;
}

function ofValue(schema: JsonSchema): z.ZodType {
  if (schema.enum !== undefined) return z.enum(schema.enum);
  switch (schema.type) {
    case "object":
      return ofObject(schema);
    case "boolean":
      return z.boolean();
    case "integer":
      return rules.integer(said({ min: schema.minimum, max: schema.maximum }));
    case "number":
      return rules.number(said({ min: schema.minimum, max: schema.maximum }));
    case "array":
      return rules.list<unknown>(
        schema.items === undefined ? rules.anything() : validatorOf(schema.items),
        said({ min: schema.minItems, max: schema.maxItems }),
      );
    case "string":
      return ofText(schema);
    case "null":
      return z.null();
    default:
      return rules.json();
  }
}

function ofText(schema: JsonSchema): z.ZodType {
  switch (schema.format) {
    case "date":
      return rules.date();
    case "date-time":
      return rules.datetime();
    case "uuid":
      return rules.uuid();
    default:
      return rules.text(
        said({
          min: schema.minLength,
          max: schema.maxLength,
          pattern: schema.pattern,
          format: rules.isFormat(schema.format) ? schema.format : undefined,
        }),
      );
  }
}

function ofObject(schema: JsonSchema): z.ZodType {
  const members = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const made = validatorOf(property);
    return [name, schema.required?.includes(name) ? made : made.optional()] as const;
  });
  const shape = Object.fromEntries(members);
  return schema.additionalProperties === false ? z.strictObject(shape) : z.looseObject(shape);
}

type Said<Rules> = { [R in keyof Rules]?: Exclude<Rules[R], undefined> };

function said<Rules extends Record<string, unknown>>(given: Rules): Said<Rules> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Said<Rules>;
}

/** What was written in a form as a value. Throws SyntaxError where it is not JSON and has to be. */
export function valueOf(field: Field, text: string): JsonValue {
  switch (field.kind) {
    case "number":
      return text.trim() === "" ? text : Number(text);
    case "boolean":
      return text === "true";
    case "json":
      return JSON.parse(text) as JsonValue;
    case "list":
      return text.trimStart().startsWith("[")
        ? (JSON.parse(text) as JsonValue)
        : text
            .split(/\r?\n/)
            .filter((line) => line !== "")
            .map((line) => itemOf(field.schema.items, line));
    default:
      return text;
  }
}

function itemOf(schema: JsonSchema | undefined, line: string): JsonValue {
  if (schema?.type === "integer" || schema?.type === "number") return Number(line);
  if (schema?.type === "boolean") return line === "true";
  return line;
}

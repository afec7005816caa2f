/**
 * The rules of fields as zod knows them: they refuse what the server refuses, as far as that can be told here. Where the
 * two differ (patterns that JavaScript cannot read, names of hosts beyond ASCII) these are the laxer ones.
 */
import { z } from "zod";
import type { JsonValue } from "./api.js";

export interface TextRules {
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly format?: Format;
}

export interface NumberRules {
  readonly min?: number;
  readonly max?: number;
}

export interface DecimalRules extends NumberRules {
  readonly precision: number;
  readonly scale: number;
}

export interface LengthRules {
  readonly min?: number;
  readonly max?: number;
}

export type Format = "email" | "uri" | "hostname" | "ipv4" | "ipv6" | "slug";

export function text(rules: TextRules = {}): z.ZodType<string> {
  const matches = rules.pattern === undefined ? undefined : matcher(rules.pattern);
  return z.string().check((found) => {
    const value = found.value;
    const length = [...value].length;
    const problem = LONE_SURROGATE.test(value)
      ? "must be a text, and holds half a surrogate pair"
      : (lengthProblem(length, "characters", rules) ??
        (matches && !matches(value) ? `does not match the pattern ${rules.pattern}` : undefined) ??
        (rules.format && !FORMATS[rules.format](value) ? `is no ${rules.format}` : undefined));
    if (problem !== undefined) found.issues.push({ code: "custom", message: problem, input: value });
  });
}

export function integer(rules: NumberRules = {}): z.ZodType<number> {
  return z.number().refine((value) => Number.isInteger(value) && within(value, rules), "is no such whole number");
}

export function number(rules: NumberRules = {}): z.ZodType<number> {
  return z.number().refine((value) => Number.isFinite(value) && within(value, rules), "is out of range");
}

/** The digits of a decimal, as rows have them. */
export function decimal(rules: DecimalRules): z.ZodType<string> {
  return z.string().refine((value) => isDecimal(value, rules), "is no such decimal number");
}

/** A decimal as it may be given: digits, or a number. */
export function givenDecimal(rules: DecimalRules): z.ZodType<string | number> {
  return z
    .union([z.string(), z.number()])
    .refine((value) => isDecimal(String(value), rules), "is no such decimal number");
}

export function date(): z.ZodType<string> {
  return z.string().refine(isDate, "is no date; write it as 2025-12-31");
}

export function datetime(): z.ZodType<string> {
  return z.string().refine(isMoment, "is no date with time; write it as 2025-12-31T23:59:00Z");
}

export function uuid(): z.ZodType<string> {
  return z.string().refine((value) => /^[0-9a-f]{32}$/i.test(bareUuid(value)), "is no UUID");
}

export function reference(): z.ZodType<number> {
  return integer({ min: 1 });
}

export function binary(rules: LengthRules = {}): z.ZodType<string> {
  return z.string().refine((value) => {
    if (value.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) return false;
    const padding = value.endsWith("==") ? 2 : value.endsWith("=") ? 1 : 0;
    return lengthProblem((value.length / 4) * 3 - padding, "bytes", rules) === undefined;
  }, "is no base64 of that length");
}

export function list<T>(item: z.ZodType<T>, rules: LengthRules = {}): z.ZodType<T[]> {
  return z
    .array(item)
    .refine((value) => lengthProblem(value.length, "items", rules) === undefined, "has another length");
}

/** Any JSON value but null. */
export function json(): z.ZodType<NonNullable<JsonValue>> {
  return z.custom<NonNullable<JsonValue>>((value) => value !== null && isJson(value), "is no JSON value");
}

/** Any JSON value. */
export function anything(): z.ZodType<JsonValue> {
  return z.custom<JsonValue>(isJson, "is no JSON value");
}

const LONE_SURROGATE = /[\uD800-\uDFFF]/u;

function lengthProblem(length: number, unit: string, rules: LengthRules): string | undefined {
  if (rules.min !== undefined && length < rules.min) return `has ${length} ${unit}; at least ${rules.min} are needed`;
  if (rules.max !== undefined && length > rules.max) return `has ${length} ${unit}; at most ${rules.max} fit`;
  return undefined;
}

function within(value: number, rules: NumberRules): boolean {
  return (rules.min === undefined || value >= rules.min) && (rules.max === undefined || value <= rules.max);
}

function matcher(pattern: string): (value: string) => boolean {
  for (const flags of ["u", ""]) {
    try {
      const compiled = new RegExp(pattern, flags);
      return (value) => compiled.test(value);
    } catch {
      // Read in another way, or left to the server.
    }
  }
  return () => true;
}

function isJson(value: unknown): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isJson);
  return typeof value === "object" && Object.values(value).every(isJson);
}

interface Digits {
  readonly negative: boolean;
  readonly digits: string;
  readonly exponent: number;
}

/** A number as its digits without zeros at either end, times a power of ten. */
function digitsOf(written: string): Digits | undefined {
  const found = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d{1,6}))?$/.exec(written.trim());
  if (!found) return undefined;
  const fraction = found[3] ?? found[4] ?? "";
  const all = ((found[2] ?? "") + fraction).replace(/^0+/, "");
  const digits = all.replace(/0+$/, "");
  const exponent = Number(found[5] ?? "0") - fraction.length + (all.length - digits.length);
  return { negative: found[1] === "-" && digits !== "", digits, exponent: digits === "" ? 0 : exponent };
}

function isDecimal(written: string, rules: DecimalRules): boolean {
  const value = digitsOf(written);
  if (!value) return false;
  if (value.digits !== "") {
    if (-value.exponent > rules.scale) return false;
    if (value.digits.length + value.exponent > rules.precision - rules.scale) return false;
  }
  return (
    (rules.min === undefined || compare(value, digitsOf(String(rules.min))) >= 0) &&
    (rules.max === undefined || compare(value, digitsOf(String(rules.max))) <= 0)
  );
}

function compare(left: Digits, right: Digits | undefined): number {
  if (!right) return 0;
  const least = Math.min(left.exponent, right.exponent);
  const difference = scaled(left, least) - scaled(right, least);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

function scaled(value: Digits, exponent: number): bigint {
  const whole = BigInt(value.digits === "" ? "0" : value.digits) * 10n ** BigInt(value.exponent - exponent);
  return value.negative ? -whole : whole;
}

function isDate(value: string): boolean {
  const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(value);
  if (!found) return false;
  const [year, month, day] = [Number(found[1]), Number(found[2]), Number(found[3])];
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return day <= [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]!;
}

function isMoment(value: string): boolean {
  const found =
    /^(.{10})[T ](\d{2})(?::(\d{2})(?::(\d{2})(?:[.,]\d+)?)?)?(?:Z|[+-](\d{2}):?(\d{2})(?::?\d{2})?)?$/.exec(value);
  if (!found || !isDate(found[1] ?? "")) return false;
  const [hour, minute, second] = [found[2], found[3], found[4]].map((part) => Number(part ?? "0"));
  const [offsetHour, offsetMinute] = [found[5], found[6]].map((part) => Number(part ?? "0"));
  return hour! < 24 && minute! < 60 && second! < 60 && offsetHour! < 24 && offsetMinute! < 60;
}

function bareUuid(value: string): string {
  return value.replace("urn:", "").replace("uuid:", "").replace(/^[{}]+|[{}]+$/g, "").replaceAll("-", "");
}

export function isFormat(name: string | undefined): name is Format {
  return name !== undefined && Object.hasOwn(FORMATS, name);
}

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
const LOCAL = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}$/;

const FORMATS: Record<Format, (value: string) => boolean> = {
  email: isEmail,
  uri: isUri,
  hostname: (value) => isHost(value) && !isIpv4(value) && !isIpv6(value),
  ipv4: isIpv4,
  ipv6: isIpv6,
  slug: (value) => /^[a-z0-9]+(-[a-z0-9]+)*$/.test(value),
};

function isEmail(value: string): boolean {
  const address = value.trim();
  const at = address.lastIndexOf("@");
  const local = address.slice(0, at);
  const shaped = LOCAL.test(local) && !local.startsWith(".") && !local.endsWith(".") && !local.includes("..");
  return at > 0 && value.length <= 320 && shaped && !local.includes("*") && isHost(address.slice(at + 1));
}

function isUri(value: string): boolean {
  // eslint-disable-next-line no-control-regex
  if (/[\s\u0000-\u001f]/.test(value)) return false;
  const found = /^[A-Za-z][A-Za-z0-9+.-]*:(?:\/\/([^/?#]*))?([^?#]*)/.exec(value);
  if (!found) return false;
  const [authority, path] = [found[1] ?? "", found[2] ?? ""];
  const port = /:([^:\]]*)$/.exec(authority)?.[1] ?? "";
  return (authority !== "" || path !== "") && /^\d*$/.test(port) && Number(port) < 65536;
}

function isHost(value: string): boolean {
  const bare = value.startsWith("[") && value.endsWith("]") ? value.slice(1, -1) : value;
  if (isIpv4(bare) || isIpv6(bare)) return true;
  const name = (value.endsWith(".") ? value.slice(0, -1) : value).toLowerCase();
  // eslint-disable-next-line no-control-regex
  if (/[^\x00-\x7f]/.test(name)) return true;
  const labels = name.split(".");
  const last = labels.at(-1) ?? "";
  return name.length <= 253 && labels.every((label) => LABEL.test(label)) && !/^([0-9]+|0x[0-9a-f]*)$/.test(last);
}

function isIpv4(value: string): boolean {
  return /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(value);
}

function isIpv6(value: string): boolean {
  let bare = value.split("%", 1)[0] ?? "";
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(bare);
  if (tail) {
    if (!isIpv4(tail[2] ?? "")) return false;
    bare = `${tail[1]}0:0`;
  }
  const halves = bare.split("::");
  if (halves.length > 2 || bare.includes(":::")) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  return (
    groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group)) &&
    (halves.length === 2 ? groups.length < 8 : groups.length === 8)
  );
}

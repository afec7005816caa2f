/** Numbers, times and names as people say them. */

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const MOMENT = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });
const NUMBER = new Intl.NumberFormat("en");
const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** "3 minutes ago"; "just now" within a minute. */
export function ago(at: string, now = Date.now()): string {
  const seconds = (Date.parse(at) - now) / 1000;
  if (Number.isNaN(seconds)) return at;
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return RELATIVE.format(Math.round(seconds / length), unit);
  }
  return "just now";
}

export function moment(at: string): string {
  const time = Date.parse(at);
  return Number.isNaN(time) ? at : MOMENT.format(time);
}

export function number(value: number): string {
  return NUMBER.format(value);
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 90) return `${seconds.toFixed(1)} s`;
  return `${Math.round(seconds / 60)} min`;
}

/** How long between two moments; nothing where one is missing. */
export function between(from: string | null, to: string | null): string {
  return from && to ? duration((Date.parse(to) - Date.parse(from)) / 1000) : "";
}

export function words(value: string): string {
  return value.replaceAll("_", " ");
}

/** A value as one line. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return "–";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

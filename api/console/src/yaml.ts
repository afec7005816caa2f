/** Values as YAML, to be read: manifests come as JSON. */

export function yaml(value: unknown, indent = ""): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return " []\n";
    return `\n${value.map((item) => `${indent}-${item_(item, indent)}`).join("")}`;
  }
  if (isObject(value)) {
    const entries = Object.entries(value);
    if (entries.length === 0) return " {}\n";
    return `\n${entries.map(([name, item]) => `${indent}${name}:${yaml(item, `${indent}  `)}`).join("")}`;
  }
  return ` ${scalar(value, indent)}\n`;
}

/** The whole document, without the first line break. */
export function yamlDocument(value: unknown): string {
  return yaml(value).replace(/^\s*\n?/, "").trimEnd();
}

function item_(value: unknown, indent: string): string {
  const text = yaml(value, `${indent}  `);
  // An object's first line stands beside the dash.
  return isObject(value) && text.startsWith("\n") ? ` ${text.slice(1 + indent.length + 2)}` : text;
}

function scalar(value: unknown, indent: string): string {
  if (typeof value !== "string") return JSON.stringify(value);
  if (value.includes("\n")) {
    return `|\n${value.trimEnd().split("\n").map((line) => `${indent}${line}`).join("\n")}`;
  }
  return /^[A-Za-z_/][\w ./@+-]*$/.test(value) && !/^(true|false|null|yes|no|on|off)$/i.test(value)
    ? value
    : JSON.stringify(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

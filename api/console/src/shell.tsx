/** Around every page: where one can go, who one is, and the keys that lead there. */
import { useEffect, useState, type ReactNode } from "react";
import { useCaller, useStatus } from "@reconciler/frontend/react";
import icon from "./icon.svg";
import { Icon, type IconName } from "./parts/icons";
import { Palette } from "./parts/palette";
import { go, type Place } from "./routing";
import { useSession } from "./session";
import { applyTheme, chosenTheme, type Theme } from "./theme";

interface Entry {
  readonly to: string;
  readonly label: string;
  readonly icon: IconName;
  /** Typed after `g`. */
  readonly letter: string;
}

export const ENTRIES: readonly (readonly [string, readonly Entry[]])[] = [
  [
    "Now",
    [
      { to: "/", label: "Overview", icon: "overview", letter: "o" },
      { to: "/plan", label: "Plan", icon: "plan", letter: "p" },
      { to: "/drift", label: "Drift", icon: "drift", letter: "d" },
    ],
  ],
  [
    "Work",
    [
      { to: "/agents", label: "Agents", icon: "agents", letter: "a" },
      { to: "/types", label: "Types", icon: "types", letter: "y" },
      { to: "/tasks", label: "Tasks", icon: "tasks", letter: "t" },
      { to: "/results", label: "Results", icon: "results", letter: "r" },
      { to: "/builder", label: "Builder", icon: "builder", letter: "b" },
    ],
  ],
  [
    "Record",
    [
      { to: "/revisions", label: "Revisions", icon: "revisions", letter: "v" },
      { to: "/archives", label: "Archives", icon: "archives", letter: "c" },
      { to: "/incidents", label: "Incidents", icon: "incidents", letter: "i" },
      { to: "/audit", label: "Audit", icon: "audit", letter: "u" },
    ],
  ],
];

export function Shell(props: { readonly place: Place; readonly children: ReactNode }): ReactNode {
  const [open, setOpen] = useState(false);
  const [finding, setFinding] = useState(false);
  const here = `/${props.place.path[0] ?? ""}`;
  const where = props.place.path.join("/");
  useEffect(() => {
    setOpen(false);
    window.scrollTo(0, 0);
  }, [where]);
  useShortcuts(() => setFinding(true));
  return (
    <div className="shell">
      <a className="skip" href="#main" onClick={(event) => skip(event)}>
        Skip to the page
      </a>
      <header className="bar">
        <a className="brand" href="#/">
          <img src={icon} alt="" />
          Reconciler
        </a>
        <button type="button" className="plain" aria-expanded={open} aria-controls="side" onClick={() => setOpen(!open)}>
          <Icon name="menu" />
          Menu
        </button>
      </header>
      {open ? <button type="button" className="veil" aria-label="Close the menu" onClick={() => setOpen(false)} /> : null}
      <aside className="side" id="side" aria-label="Menu" data-open={open} onKeyDown={(event) => (event.key === "Escape" ? setOpen(false) : null)}>
        <a className="brand" href="#/">
          <img src={icon} alt="" />
          Reconciler
        </a>
        <button type="button" className="small" onClick={() => setFinding(true)}>
          <Icon name="find" />
          Go to…
          <kbd>/</kbd>
        </button>
        <nav aria-label="Pages">
          {ENTRIES.map(([group, entries]) => (
            <div key={group}>
              <h2>{group}</h2>
              <ul>
                {entries.map((entry) => (
                  <li key={entry.to}>
                    <a href={`#${entry.to}`} aria-current={here === entry.to ? "page" : undefined}>
                      <Icon name={entry.icon} />
                      {entry.label}
                      <Waiting at={entry.to} />
                    </a>
                  </li>
                ))}
              </ul>
            </div>
          ))}
        </nav>
        <Foot />
      </aside>
      <main id="main" tabIndex={-1}>
        {props.children}
      </main>
      {finding ? <Palette onClose={() => setFinding(false)} /> : null}
    </div>
  );
}

/** Beside an entry: that something waits there. */
function Waiting(props: { readonly at: string }): ReactNode {
  const { data } = useStatus({ refetchInterval: 10_000 });
  if (data === undefined) return null;
  if (props.at === "/plan" && data.pending) return <span className="count">changes</span>;
  if (props.at === "/drift" && data.drift > 0) return <span className="count">{data.drift}</span>;
  return null;
}

function Foot(): ReactNode {
  const { signOut } = useSession();
  const caller = useCaller();
  const [theme, setTheme] = useState<Theme>(chosenTheme);
  return (
    <div className="foot">
      <div className="row">
        <span>
          {caller.data ? (
            <>
              <strong>{caller.data.name}</strong> <span className="soft">{caller.data.role}</span>
            </>
          ) : (
            "…"
          )}
        </span>
        <button type="button" className="small plain" onClick={() => signOut()}>
          Sign out
        </button>
      </div>
      <label className="row">
        <span className="soft">Colours</span>
        <select
          className="small"
          value={theme}
          onChange={(event) => {
            const chosen = event.target.value as Theme;
            setTheme(chosen);
            applyTheme(chosen);
          }}
        >
          <option value="system">as the system</option>
          <option value="light">light</option>
          <option value="dark">dark</option>
        </select>
      </label>
    </div>
  );
}

/** `/` or Ctrl-K finds; `g` and a letter go; nothing happens while somebody types. */
function useShortcuts(find: () => void): void {
  useEffect(() => {
    let leading = 0;
    const pressed = (event: KeyboardEvent): void => {
      if (event.key === "k" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        find();
        return;
      }
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return;
      if (event.key === "/") {
        event.preventDefault();
        find();
      } else if (event.key === "g") {
        leading = event.timeStamp;
      } else if (leading && event.timeStamp - leading < 1500) {
        leading = 0;
        const entry = ENTRIES.flatMap(([, entries]) => entries).find(({ letter }) => letter === event.key);
        if (entry) go(entry.to);
      }
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [find]);
}

function skip(event: { preventDefault(): void }): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

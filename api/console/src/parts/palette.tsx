/** Go to any page, agent or type by a few letters of its name. */
import { useId, useState, type KeyboardEvent, type ReactNode } from "react";
import { itemsOf, useAgents, useAgentTypes } from "@reconciler/frontend/react";
import { go } from "../routing";
import { ENTRIES } from "../shell";
import { Dialog } from "./dialog";

const MOST = 12;

export function Palette(props: { readonly onClose: () => void }): ReactNode {
  const id = useId();
  const [written, setWritten] = useState("");
  const [chosen, setChosen] = useState(0);
  const agents = itemsOf(useAgents({ limit: 200 }).data);
  const types = itemsOf(useAgentTypes({ limit: 200 }).data);
  const places = [
    ...ENTRIES.flatMap(([, entries]) => entries.map(({ to, label, letter }) => ({ to, label, about: `g ${letter}` }))),
    ...agents.map(({ name }) => ({ to: `/agents/${name}`, label: name, about: "agent" })),
    ...agents.map(({ name }) => ({ to: `/results/${name}`, label: `${name} results`, about: "results" })),
    ...types.map(({ name }) => ({ to: `/types/${name}`, label: name, about: "type" })),
  ];
  const wanted = written.toLowerCase().trim().split(/\s+/);
  const found = places.filter(({ label, about }) => wanted.every((word) => `${label} ${about}`.toLowerCase().includes(word))).slice(0, MOST);
  const at = Math.min(chosen, found.length - 1);

  function take(to: string | undefined): void {
    if (to === undefined) return;
    props.onClose();
    go(to);
  }

  function pressed(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setChosen((at + step + found.length) % Math.max(1, found.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      take(found[at]?.to);
    }
  }

  return (
    <Dialog label="Go to" className="palette" onClose={props.onClose}>
      <input
        type="text"
        role="combobox"
        aria-label="Go to a page, an agent or a type"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={found.length ? `${id}-${at}` : undefined}
        placeholder="Go to a page, an agent or a type"
        autoComplete="off"
        autoFocus
        value={written}
        onKeyDown={pressed}
        onChange={(event) => {
          setWritten(event.target.value);
          setChosen(0);
        }}
      />
      <ul role="listbox" id={`${id}-list`} aria-label="Places">
        {found.map(({ to, label, about }, index) => (
          <li key={to} id={`${id}-${index}`} role="option" aria-selected={index === at} onMouseMove={() => setChosen(index)} onClick={() => take(to)}>
            <span>{label}</span>
            <small>{about}</small>
          </li>
        ))}
      </ul>
      {found.length ? null : <div className="state">Nothing is called that.</div>}
    </Dialog>
  );
}

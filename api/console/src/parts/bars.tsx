import type { ReactNode } from "react";
import { number } from "../wording";

export interface Bar {
  readonly label: string;
  readonly count: number;
}

const MOST = 8;

/** Counts as bars, the longest first; a press on one chooses it. */
export function Bars(props: { readonly bars: readonly Bar[]; readonly chosen: string; readonly onChoose: (label: string) => void }): ReactNode {
  const bars = [...props.bars].sort((one, other) => other.count - one.count);
  const longest = Math.max(1, ...bars.map(({ count }) => count));
  return (
    <ul className="bars">
      {bars.slice(0, MOST).map(({ label, count }) => (
        <li key={label}>
          <button type="button" aria-pressed={label === props.chosen} onClick={() => props.onChoose(label)}>
            <span className="label">{label}</span>
            <span className="track" aria-hidden="true">
              <span style={{ width: `${(100 * count) / longest}%` }} />
            </span>
            <span className="count">{number(count)}</span>
          </button>
        </li>
      ))}
      {bars.length > MOST ? <li className="soft">{`and ${bars.length - MOST} more`}</li> : null}
    </ul>
  );
}

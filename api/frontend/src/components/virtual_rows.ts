/** Of many rows of one height only those are made that can be seen. */
import { useEffect, useState, type RefObject } from "react";

export interface Visible {
  readonly first: number;
  /** One beyond the last. */
  readonly end: number;
}

const BEYOND = 12;
/** Where nothing can be measured, as without a layout. */
const HEIGHT = 480;

export function useVisibleRows(scroller: RefObject<HTMLElement | null>, count: number, rowHeight: number): Visible {
  const [view, setView] = useState({ top: 0, height: HEIGHT });
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const look = (): void => {
      const height = element.clientHeight || HEIGHT;
      // Rounded to whole rows, so that most movements make nothing anew.
      const top = Math.floor(element.scrollTop / rowHeight) * rowHeight;
      setView((before) => (before.top === top && before.height === height ? before : { top, height }));
    };
    look();
    element.addEventListener("scroll", look, { passive: true });
    const resized = typeof ResizeObserver === "undefined" ? undefined : new ResizeObserver(look);
    resized?.observe(element);
    return () => {
      element.removeEventListener("scroll", look);
      resized?.disconnect();
    };
  }, [scroller, rowHeight]);
  const first = Math.max(0, Math.floor(view.top / rowHeight) - BEYOND);
  const end = Math.min(count, Math.ceil((view.top + view.height) / rowHeight) + BEYOND);
  return { first: Math.min(first, end), end };
}

/** Line drawings, all on a grid of 20. They stand beside words and say nothing to those who listen. */
import type { ReactNode } from "react";

const PATHS = {
  overview: "M3 10a7 7 0 1 1 14 0M10 10l3.5-3.5M5 15h10",
  plan: "M5 4h7l3 3v9H5zM8 10h4M10 8v4M8 14h4",
  drift: "M3 7c3-3 5 3 8 0s4-1 6 0M3 13c3-3 5 3 8 0s4-1 6 0",
  agents: "M6 7h8a2 2 0 0 1 2 2v5a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2zM10 7V4M8 11v1M12 11v1",
  types: "M10 3l6.500 3.500L10 10 3.500 6.500zM3.500 10L10 13.500 16.500 10M3.500 13.500L10 17l6.500-3.500",
  tasks: "M4 6l1.500 1.500L8 5M4 13l1.500 1.500L8 12M11 6.500h5M11 13.500h5",
  results: "M3.500 4.500h13v11h-13zM3.500 8.500h13M8 8.500v7",
  builder: "M4 5h12v8H9l-3.500 3v-3H4zM7.500 9h5",
  revisions: "M4 10a6 6 0 1 0 2-4.500M4 4v3.500h3.500M10 7v3.500l2 1.500",
  archives: "M3.500 5h13v3h-13zM5 8v8h10V8M8.500 11h3",
  incidents: "M10 4l7 12H3zM10 8.500v3.500M10 14v.1",
  audit: "M6 3.500h8v13l-2-1.500-2 1.500-2-1.500-2 1.500zM8.500 7.500h3M8.500 10.500h3",
  find: "M9 4a5 5 0 1 1 0 10A5 5 0 0 1 9 4zM13 13l3.500 3.500",
  menu: "M4 6h12M4 10h12M4 14h12",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon(props: { readonly name: IconName }): ReactNode {
  return (
    <svg viewBox="0 0 20 20" width="18" height="18" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d={PATHS[props.name]} />
    </svg>
  );
}

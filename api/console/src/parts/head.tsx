/** The head of a page: its name in the window's title, and the focus on it once somebody came here. */
import { useEffect, useRef, type ReactNode } from "react";

let first = true;

export function Head(props: {
  readonly title: string;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
  readonly up?: { readonly to: string; readonly label: string };
  readonly chip?: ReactNode;
}): ReactNode {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${props.title} · Reconciler`;
    // Whoever listens is told of the new page; on the very first one the browser does it.
    if (!first) heading.current?.focus({ preventScroll: true });
    first = false;
  }, [props.title]);
  return (
    <header className="head">
      <div className="grow">
        {props.up ? (
          <a className="crumb" href={`#${props.up.to}`}>
            ‹ {props.up.label}
          </a>
        ) : null}
        <div className="row">
          <h1 ref={heading} tabIndex={-1}>
            {props.title}
          </h1>
          {props.chip}
        </div>
        {props.children ? <p>{props.children}</p> : null}
      </div>
      {props.actions ? <div className="row">{props.actions}</div> : null}
    </header>
  );
}

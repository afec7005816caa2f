/** A question above the page. The browser's own dialog keeps the focus inside, and closes on Escape. */
import { useEffect, useRef, type ReactNode } from "react";

export function Dialog(props: {
  readonly label: string;
  readonly className?: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}): ReactNode {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    if (dialog && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      aria-label={props.label}
      className={props.className}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
      onClick={(event) => (event.target === element.current ? props.onClose() : null)}
    >
      {props.children}
    </dialog>
  );
}

/** Asks before something is done; what it does is said on its button. */
export function Confirm(props: {
  readonly title: string;
  readonly children: ReactNode;
  readonly action: string;
  readonly danger?: boolean;
  readonly busy?: boolean;
  readonly onYes: () => void;
  readonly onClose: () => void;
}): ReactNode {
  return (
    <Dialog label={props.title} onClose={props.onClose}>
      <div className="body">
        <h2>{props.title}</h2>
        <div className="stack tight">{props.children}</div>
        <div className="row end">
          <button type="button" onClick={props.onClose}>
            Not now
          </button>
          <button type="button" className={props.danger ? "danger" : "primary"} disabled={props.busy} onClick={props.onYes}>
            {props.action}
          </button>
        </div>
      </div>
    </Dialog>
  );
}

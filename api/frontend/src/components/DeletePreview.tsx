/** What a deletion takes along, shown before it is asked for, and confirmed by the name. */
import { useId, useState, type FormEvent, type ReactElement } from "react";
import type { DeletedView, ImpactView } from "../generated/types.gen.js";
import { useDeletion, type Deletable, type DeletionMode } from "../hooks/deletion.js";
import { ErrorNote, plural, Waiting } from "./parts.js";

export interface DeletePreviewProps extends Deletable {
  readonly onDeleted?: (deleted: DeletedView) => void;
}

const MODES: readonly (readonly [DeletionMode, string])[] = [
  ["soft", "Keep the tables where they are"],
  ["hard", "Park the tables; they can be restored"],
  ["purge", "Destroy everything, for good"],
];

export function DeletePreview(props: DeletePreviewProps): ReactElement {
  const { kind, name } = props;
  const id = useId();
  const [mode, setMode] = useState<DeletionMode | undefined>(undefined);
  const [cascade, setCascade] = useState(false);
  const [cancelTasks, setCancelTasks] = useState(false);
  const [confirm, setConfirm] = useState("");
  const { preview, remove } = useDeletion(
    { kind, name },
    { ...(mode === undefined ? {} : { mode }), ...(kind === "type" && cascade ? { cascade } : {}) },
  );
  const impact = preview.data?.impact;
  const meant = impact?.mode === "soft" || confirm === name;

  function submit(event: FormEvent): void {
    event.preventDefault();
    remove.mutate({ confirm, cancelTasks }, { onSuccess: (deleted) => props.onDeleted?.(deleted) });
  }

  return (
    <form className="rc-delete" onSubmit={submit} aria-busy={preview.isFetching || remove.isPending}>
      <fieldset>
        <legend>What becomes of the data</legend>
        {MODES.map(([value, label]) => (
          <label key={value}>
            <input
              type="radio"
              name={`${id}-mode`}
              checked={(mode ?? impact?.mode) === value}
              onChange={() => setMode(value)}
            />{" "}
            {label}
          </label>
        ))}
      </fieldset>
      {kind === "type" ? (
        <label>
          <input type="checkbox" checked={cascade} onChange={({ target }) => setCascade(target.checked)} /> Delete its
          agents as well
        </label>
      ) : null}
      {impact ? <Impact impact={impact} /> : preview.error ? null : <Waiting>Looking at what would go…</Waiting>}
      {impact && inFlight(impact) > 0 ? (
        <label>
          <input type="checkbox" checked={cancelTasks} onChange={({ target }) => setCancelTasks(target.checked)} /> Cancel{" "}
          {plural(inFlight(impact), "task")} in flight
        </label>
      ) : null}
      {impact && impact.mode !== "soft" ? (
        <div className="rc-field">
          <label htmlFor={`${id}-confirm`}>Type {name} to confirm</label>
          <input
            id={`${id}-confirm`}
            value={confirm}
            autoComplete="off"
            onChange={({ target }) => setConfirm(target.value)}
          />
        </div>
      ) : null}
      <ErrorNote error={remove.error ?? preview.error} />
      <button type="submit" className="rc-button rc-danger" disabled={!impact || !meant || remove.isPending}>
        Delete {name}
      </button>
    </form>
  );
}

function Impact({ impact }: { readonly impact: ImpactView }): ReactElement {
  return (
    <div className="rc-impact">
      {impact.dependents.length > 0 ? (
        <p className="rc-problem">{impact.dependents.join(", ")} would not stand without it.</p>
      ) : null}
      <ul>
        {impact.removed.map((address) => (
          <li key={address}>
            <code>{address}</code> goes
          </li>
        ))}
        {impact.tables.map((table) => (
          <li key={table.stored_as}>
            <code>{table.name}</code> with {plural(table.rows, "row")}
          </li>
        ))}
      </ul>
      <p>
        {impact.restorable
          ? `It can be brought back${impact.restorable_until ? ` until ${impact.restorable_until}` : ""}.`
          : "It can never be brought back."}
      </p>
    </div>
  );
}

function inFlight(impact: ImpactView): number {
  return (impact.tasks.running ?? 0) + (impact.tasks.waiting ?? 0);
}

/** Something followed live for as long as the component is there. */
import { useEffect, useRef, useState } from "react";
import { apiError, ApiError } from "../problems.js";

/** `idle`: there is nothing to follow. `failed`: it could not be followed, or no longer. */
export type Phase = "idle" | "connecting" | "open" | "ended" | "failed";

export interface Followed<Seen> {
  readonly seen: Seen | undefined;
  readonly phase: Phase;
  readonly error: ApiError | undefined;
}

export function useFollowed<Seen>(
  id: string | undefined,
  follow: (id: string, signal: AbortSignal) => AsyncIterable<Seen>,
  onSeen?: (seen: Seen) => void,
): Followed<Seen> {
  const [state, setState] = useState<Followed<Seen> & { readonly id?: string | undefined }>(IDLE);
  const latest = useRef({ follow, onSeen });
  latest.current = { follow, onSeen };
  useEffect(() => {
    if (id === undefined) return undefined;
    const left = new AbortController();
    const listen = async (): Promise<void> => {
      let seen: Seen | undefined;
      try {
        for await (const next of latest.current.follow(id, left.signal)) {
          if (left.signal.aborted) return;
          seen = next;
          setState({ id, seen, phase: "open", error: undefined });
          latest.current.onSeen?.(next);
        }
        setState({ id, seen, phase: "ended", error: undefined });
      } catch (problem) {
        if (left.signal.aborted) return;
        const error = apiError(problem) as ApiError;
        setState({ id, seen, phase: "failed", error });
      }
    };
    void listen();
    return () => left.abort();
  }, [id]);
  if (id === undefined) return IDLE;
  // What was seen of another is not told of this one.
  return state.id === id ? state : CONNECTING;
}

const IDLE = { seen: undefined, phase: "idle", error: undefined } as const;
const CONNECTING = { seen: undefined, phase: "connecting", error: undefined } as const;

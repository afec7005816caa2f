/** A conversation that ends in manifests: started, spoken in, looked at and finalized. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useState } from "react";
import * as api from "../generated/sdk.gen.js";
import type { FinalizedView, PreviewView, SessionBrief, SessionView, StartBody } from "../generated/types.gen.js";
import { apiError, type ApiError } from "../problems.js";
import { useClient } from "./provider.js";
import { keys, LIVE, useRead, type Read, type ReadOptions } from "./reading.js";

export interface AgentBuilderState {
  readonly session: SessionView | undefined;
  /** The draft with what it would change, once there is one. */
  readonly preview: PreviewView | undefined;
  /** Where the manifests went, once they did. */
  readonly finalized: FinalizedView | undefined;
  /** What was said and is not answered yet. */
  readonly said: string | undefined;
  /** As much as the builder has said of its answer. */
  readonly streaming: string;
  readonly busy: boolean;
  readonly error: ApiError | undefined;
  start(body?: StartBody): Promise<void>;
  say(text: string): Promise<void>;
  /** Writes the draft that was looked at into the source. `allow` lets hazards pass. */
  finalize(options?: { readonly allow?: readonly string[] }): Promise<void>;
  /** Forgets the conversation; what was finalized stays. */
  forget(): Promise<void>;
}

const OPEN = ["collecting", "drafting", "preview", "confirmed"];

/** With a `session` that one is taken up; else `start` begins one. Nothing it returns ever rejects: see `error`. */
export function useAgentBuilder(options: { readonly session?: string } = {}): AgentBuilderState {
  const client = useClient();
  const cache = useQueryClient();
  const [started, setStarted] = useState<string | undefined>(undefined);
  const [turn, setTurn] = useState<{ said?: string; streaming: string }>({ streaming: "" });
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<ApiError | undefined>(undefined);
  const [finalized, setFinalized] = useState<FinalizedView | undefined>(undefined);
  const id = started ?? options.session;
  const asking = { client: client.api, throwOnError: true as const };

  const session = useQuery<SessionView, ApiError>({
    queryKey: keys("builder", "session", id ?? ""),
    queryFn: async ({ signal }) => (await api.getBuilderSession({ ...asking, signal, path: { session: id ?? "" } })).data,
    enabled: id !== undefined,
  });
  const version = session.data?.version;
  const drafted = session.data?.draft != null && OPEN.includes(session.data.state);
  const preview = useQuery<PreviewView, ApiError>({
    queryKey: keys("builder", "preview", id ?? "", version ?? 0),
    queryFn: async ({ signal }) => (await api.getBuilderSchema({ ...asking, signal, path: { session: id ?? "" } })).data,
    enabled: id !== undefined && drafted && !busy,
  });

  const doing = useCallback(async (work: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setFailed(undefined);
    try {
      await work();
    } catch (error) {
      setFailed(apiError(error) as ApiError);
    } finally {
      setBusy(false);
      setTurn({ streaming: "" });
    }
  }, []);
  const again = (session: string): Promise<void> =>
    cache.invalidateQueries({ queryKey: keys("builder", "session", session) });

  return {
    session: session.data,
    preview: preview.data,
    finalized,
    said: turn.said,
    streaming: turn.streaming,
    busy,
    error: failed ?? session.error ?? preview.error ?? undefined,
    start: (body = {}) =>
      doing(async () => {
        const { data } = await api.startBuilderSession({ ...asking, body });
        cache.setQueryData(keys("builder", "session", data.id), data);
        setFinalized(undefined);
        setStarted(data.id);
        void cache.invalidateQueries({ queryKey: keys("builder", "list") });
      }),
    say: (text) =>
      doing(async () => {
        if (id === undefined) throw nothingStarted();
        setTurn({ said: text, streaming: "" });
        try {
          for await (const spoken of client.sayToBuilder(id, text, version === undefined ? {} : { version })) {
            if ("piece" in spoken) setTurn((before) => ({ ...before, streaming: before.streaming + spoken.piece }));
          }
        } finally {
          await again(id);
        }
      }),
    finalize: ({ allow } = {}) =>
      doing(async () => {
        if (id === undefined) throw nothingStarted();
        const seen = preview.data?.version ?? version;
        const body = { ...(seen === undefined ? {} : { version: seen }), ...(allow === undefined ? {} : { allow: [...allow] }) };
        try {
          const { data } = await api.finalizeBuilderSession({ ...asking, path: { session: id }, body });
          setFinalized(data);
          cache.setQueryData(keys("builder", "session", id), data.session);
        } finally {
          await Promise.all(LIVE.map((topic) => cache.invalidateQueries({ queryKey: keys(topic) })));
        }
      }),
    forget: () =>
      doing(async () => {
        if (id === undefined) return;
        await api.deleteBuilderSession({ ...asking, path: { session: id } });
        setStarted(undefined);
        setFinalized(undefined);
        cache.removeQueries({ queryKey: keys("builder", "session", id) });
        void cache.invalidateQueries({ queryKey: keys("builder", "list") });
      }),
  };
}

function nothingStarted(): Error {
  return new Error("there is no conversation yet: start one");
}

/** Your conversations, the one last spoken in first. */
export function useBuilderSessions(options?: ReadOptions): Read<SessionBrief[]> {
  return useRead(
    keys("builder", "list"),
    async (asking) => ({ data: (await api.listBuilderSessions(asking)).data.items }),
    options,
  );
}

/** The hooks, against the mocks or, where LIVE_URL names one, against a server. */
import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ApiError, createClient } from "reconciler-sdk";
import { fixtures, handlers } from "reconciler-sdk/mocks";
import {
  itemsOf,
  useAgent,
  useAgentBuilder,
  useAgents,
  useAgentType,
  useAgentTypeManifest,
  useAgentTypes,
  useAgentTypeVersions,
  useAudit,
  useBuilderSessions,
  useCaller,
  useDeletion,
  useDeploy,
  useDrift,
  useManifestSchema,
  useOperation,
  useOperations,
  usePlan,
  usePlanSql,
  useReconcile,
  useResultGroups,
  useResults,
  useRevision,
  useRevisions,
  useRollback,
  useRollbackPlan,
  useRunTask,
  useStatus,
  useSubmitTask,
  useSwitchAgent,
  useTask,
  useTaskEvents,
  useTasks,
  useTypeSchemas,
} from "reconciler-sdk/react";
import { AGENT, BASE_URL, surroundings } from "./surroundings.js";

const live = process.env["LIVE_URL"] !== undefined;
const TYPE = "text-processing";
const server = setupServer(...handlers({ baseUrl: BASE_URL, agents: { [TYPE]: AGENT } }));
beforeAll(() => {
  if (!live) server.listen({ onUnhandledRequest: "error" });
});
afterAll(() => server.close());
afterEach(cleanup);

const patience = { timeout: 20_000 };

/** What a hook gives, once it has read it. */
async function read<Answer>(hook: () => { data: Answer | undefined; error: unknown }): Promise<Answer> {
  const { result } = renderHook(hook, { wrapper: surroundings() });
  await waitFor(() => expect(result.current.data ?? result.current.error).toBeTruthy(), patience);
  expect(result.current.error).toBeNull();
  return result.current.data as Answer;
}

describe("what there is", () => {
  test("every hook that reads gets an answer", async () => {
    expect(itemsOf(await read(() => useAgentTypes())).map(({ name }) => name)).toContain(TYPE);
    expect(itemsOf(await read(() => useAgents({ type: TYPE }))).map(({ name }) => name)).toContain(AGENT);
    expect((await read(() => useAgentType(TYPE))).name).toBe(TYPE);
    expect((await read(() => useAgent(AGENT))).type).toBe(TYPE);
    expect((await read(() => useAgentTypeVersions(TYPE))).length).toBeGreaterThan(0);
    expect((await read(() => useTypeSchemas(TYPE))).input.properties).toHaveProperty("text");
    expect((await read(() => useStatus())).counts.agents).toBeGreaterThan(0);
    expect((await read(() => usePlan())).changes).toEqual([]);
    expect((await read(() => usePlanSql())).units).toEqual([]);
    expect((await read(() => useCaller())).role).toBe("admin");
    expect(itemsOf(await read(() => useRevisions())).length).toBeGreaterThan(0);
    expect((await read(() => useRevision(1))).summary.number).toBe(1);
    expect(await read(() => useDrift())).toEqual([]);
    expect(itemsOf(await read(() => useAudit())).length).toBeGreaterThan(0);
    expect(await read(() => useManifestSchema())).toBeTruthy();
    if (live) expect(await read(() => useAgentTypeManifest(TYPE))).toContain("kind: AgentType");
  });

  test("what is not there is an error with a code, not an exception", async () => {
    const { result } = renderHook(() => useAgent("nobody"), { wrapper: surroundings() });
    await waitFor(() => expect(result.current.error).toBeInstanceOf(ApiError), patience);
    expect([result.current.error?.status, result.current.error?.code]).toEqual([404, "not-found"]);
  });

  test("a server that cannot be reached is an error like any other", async () => {
    const nobody = createClient({ baseUrl: "http://127.0.0.1:1", fetch: () => Promise.reject(new TypeError("no")) });
    await expect(nobody.request("GET", "/api/v1/status")).rejects.toMatchObject({ code: "unreachable", status: 0 });
  });
});

describe("tasks", () => {
  test("a task is run to its end, and its rows are read anew", async () => {
    const wrapper = surroundings();
    const { result } = renderHook(
      () => ({ run: useRunTask(TYPE, AGENT), rows: useResults(TYPE, AGENT, "document", { limit: 2 }) }),
      { wrapper },
    );
    act(() => result.current.run.mutate({ text: "It is broken, and the invoice is wrong" }));
    await waitFor(() => expect(result.current.run.data?.state).toBe("succeeded"), patience);
    expect(result.current.run.data?.trace.length).toBeGreaterThan(0);
    await waitFor(() => expect(itemsOf(result.current.rows.data).length).toBeGreaterThan(0), patience);
  });

  test("a task is followed from its beginning to its end, and once it has ended the cache knows it", async () => {
    const { result } = renderHook(
      () => {
        const submission = useSubmitTask(TYPE, AGENT);
        const id = submission.data?.id;
        return { submission, events: useTaskEvents<typeof TYPE>(id), task: useTask<typeof TYPE>(id), list: useTasks() };
      },
      { wrapper: surroundings() },
    );
    expect(result.current.events.phase).toBe("idle");
    act(() => result.current.submission.mutate({ text: "Hello" }));
    await waitFor(() => expect(result.current.events.phase).toBe("ended"), patience);
    expect(result.current.events.task?.state).toBe("succeeded");
    expect(result.current.task.data?.output?.text).toBeTypeOf("string");
    await waitFor(() => expect(itemsOf(result.current.list.data).length).toBeGreaterThan(0), patience);
  });

  test("an input that does not fit is refused with the place of what is wrong", async () => {
    const { result } = renderHook(() => useSubmitTask(TYPE, AGENT), { wrapper: surroundings() });
    act(() => result.current.mutate({ text: "" }));
    await waitFor(() => expect(result.current.error?.status).toBe(422), patience);
  });
});

describe("results", () => {
  test("they come in pages, filtered, sorted and in groups", async () => {
    const { result } = renderHook(
      () => ({
        rows: useResults(TYPE, AGENT, "document", { sort: ["-id"], limit: 2 }),
        none: useResults(TYPE, AGENT, "document", { filter: { text: "nobody wrote this" } }),
        groups: useResultGroups(TYPE, AGENT, "document", { group: ["topic"], measure: ["count"] }),
      }),
      { wrapper: surroundings() },
    );
    await waitFor(() => expect(result.current.rows.isSuccess && result.current.groups.isSuccess).toBe(true), patience);
    while (result.current.rows.hasNextPage) {
      const before = itemsOf(result.current.rows.data).length;
      await act(() => result.current.rows.fetchNextPage());
      await waitFor(() => expect(itemsOf(result.current.rows.data).length).toBeGreaterThan(before), patience);
    }
    const ids = itemsOf(result.current.rows.data).map(({ id }) => id);
    expect(ids).toEqual([...ids].sort((one, other) => other - one));
    const counted = result.current.groups.data?.reduce((sum, group) => sum + Number(group["count"]), 0);
    expect(counted).toBe(ids.length);
    await waitFor(() => expect(itemsOf(result.current.none.data)).toEqual([]), patience);
  });
});

describe("changes", () => {
  const manifest = { apiVersion: "reconciler/v1", kind: "Agent", metadata: { name: "second" }, spec: { type: TYPE } };

  test("an agent is deployed, switched off, and deleted as the preview showed", async () => {
    const { result } = renderHook(
      () => ({ deploy: useDeploy(), agents: useAgents(), switching: useSwitchAgent() }),
      { wrapper: surroundings() },
    );
    await act(() => result.current.deploy.mutateAsync({ manifest }));
    expect(result.current.deploy.error).toBeNull();
    await waitFor(() => expect(itemsOf(result.current.agents.data).map(({ name }) => name)).toContain("second"), patience);
    await act(() => result.current.switching.mutateAsync({ agent: "second", enabled: false }));
    const found = (): boolean | undefined => itemsOf(result.current.agents.data).find(({ name }) => name === "second")?.enabled;
    await waitFor(() => expect(found()).toBe(false), patience);

    const deletion = renderHook(() => useDeletion({ kind: "agent", name: "second" }), { wrapper: surroundings() });
    await waitFor(() => expect(deletion.result.current.preview.data?.impact.removed).toEqual(["agent/second"]), patience);
    await act(() => deletion.result.current.remove.mutateAsync({ confirm: "second" }));
    expect(deletion.result.current.remove.error).toBeNull();
  });

  test("what is applied and rolled back is told of until it has ended", async () => {
    const seen: string[] = [];
    const { result } = renderHook(
      () => ({
        plan: useRollbackPlan(0),
        reconcile: useReconcile({ onProgress: ({ state }) => seen.push(state) }),
        rollback: useRollback(),
        operations: useOperations(),
      }),
      { wrapper: surroundings() },
    );
    await waitFor(() => expect(result.current.plan.data?.changes.length).toBeGreaterThan(0), patience);
    const done = await act(() => result.current.reconcile.mutateAsync({ reason: "tests" }));
    expect(done.state).toBe("succeeded");
    expect(seen.at(-1)).toBe("succeeded");
    expect((await read(() => useOperation(done.id))).kind).toBe("reconcile");
    await waitFor(() => expect(itemsOf(result.current.operations.data).length).toBeGreaterThan(0), patience);
  });
});

describe("the builder", () => {
  test("a conversation is held, looked at and finalized", async () => {
    const { result } = renderHook(
      () => ({ builder: useAgentBuilder(), sessions: useBuilderSessions() }),
      { wrapper: surroundings() },
    );
    await act(() => result.current.builder.start({ guided: true }));
    expect(result.current.builder.error).toBeUndefined();
    const answers = live ? LIVE_ANSWERS : ["Keep notes", "yes", "jottings"];
    for (const answer of answers) {
      if (result.current.builder.session?.state === "preview") break;
      await act(() => result.current.builder.say(answer));
      expect(result.current.builder.error).toBeUndefined();
      await waitFor(() => expect(result.current.builder.session?.messages.at(-1)?.role).toBe("builder"), patience);
    }
    await waitFor(() => expect(result.current.sessions.data?.length).toBeGreaterThan(0), patience);
    expect(result.current.builder.session?.completeness.share).toBeGreaterThan(0);
    if (live) return;
    await waitFor(() => expect(result.current.builder.preview?.ready).toBe(true), patience);
    await act(() => result.current.builder.finalize());
    expect(result.current.builder.finalized?.agent).toBe("jottings-agent");
    expect(itemsOf(await read(() => useAgents())).map(({ name }) => name)).toContain("jottings-agent");
  });
});

const LIVE_ANSWERS = ["It keeps notes", "text"];

test("fixtures hold an input that each type takes", () => {
  expect(fixtures[TYPE].input).toHaveProperty("text");
});

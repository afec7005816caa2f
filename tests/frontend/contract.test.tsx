/** What the mocks answer is what the API answers, as far as its generated validators tell. */
import { setupServer } from "msw/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { handlers } from "reconciler-sdk/mocks";
import { api } from "reconciler-sdk/validators";
import { AGENT, BASE_URL, client } from "./surroundings.js";

const TYPE = "text-processing";
const server = setupServer(...handlers({ baseUrl: BASE_URL, agents: { [TYPE]: AGENT } }));
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterAll(() => server.close());

const ANSWERS = [
  ["GET", "/caller", api.zGetCallerResponse],
  ["GET", "/status", api.zGetStatusResponse],
  ["GET", "/plan", api.zGetPlanResponse],
  ["GET", "/plan/sql", api.zGetPlanSqlResponse],
  ["GET", "/rollback/plan?revision=0", api.zPlanRollbackResponse],
  ["GET", "/revisions", api.zListRevisionsResponse],
  ["GET", "/revisions/1", api.zGetRevisionResponse],
  ["GET", "/audit", api.zGetAuditResponse],
  ["GET", "/agent-types", api.zListAgentTypesResponse],
  ["GET", `/agent-types/${TYPE}`, api.zGetAgentTypeResponse],
  ["GET", `/agent-types/${TYPE}/versions`, api.zListAgentTypeVersionsResponse],
  ["GET", `/agent-types/${TYPE}/documentation`, api.zGetAgentTypeDocumentationResponse],
  ["DELETE", `/agent-types/${TYPE}?preview=true`, api.zDeleteAgentTypeResponse],
  ["GET", "/agents", api.zListAgentsResponse],
  ["GET", `/agents/${AGENT}`, api.zGetAgentResponse],
  ["POST", `/agents/${AGENT}/disable`, api.zDisableAgentResponse],
  ["DELETE", `/agents/${AGENT}?preview=true`, api.zDeleteAgentResponse],
  ["GET", `/agents/dynamic/${AGENT}/results?model=document`, api.zQueryDynamicAgentResultsResponse],
  ["POST", "/reconcile", api.zReconcileResponse],
  ["GET", "/operations", api.zListOperationsResponse],
  ["POST", "/agent-builder/start", api.zStartBuilderSessionResponse],
  ["GET", "/agent-builder", api.zListBuilderSessionsResponse],
] as const;

test.each(ANSWERS)("%s %s", async (method, path, validator) => {
  const body = method === "POST" ? { body: {} } : {};
  const answer = await client().request(method, `/api/v1${path}`, body);
  expect(validator.safeParse(answer).error?.issues ?? []).toEqual([]);
});

test("a task, from the answer to its submission to its end", async () => {
  const ours = client();
  const submitted = await ours.submitTask(TYPE, AGENT, { text: "Hello" });
  expect(api.zSubmitTaskResponse.safeParse(submitted).success).toBe(true);
  const seen = [];
  for await (const task of ours.followTask(TYPE, submitted.id)) seen.push(task);
  expect(api.zTaskLine.safeParse(seen[0]).error?.issues ?? []).toEqual([]);
  expect(api.zGetTaskResponse.safeParse(seen.at(-1)).error?.issues ?? []).toEqual([]);
});

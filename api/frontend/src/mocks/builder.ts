/** A builder that asks three questions, whatever it is told, and then has a draft. */
import { http, HttpResponse, type HttpHandler } from "msw";
import type { FinalizedView, PreviewView, Question, Reply, SessionView, SlotView } from "../generated/types.gen.js";
import { agentLine, answered, AT, events, missing, refused, typeLine, type MockWorld } from "./world.js";

const QUESTIONS: readonly Question[] = [
  { slot: "purpose", text: "What should it do?", options: [], default: "", example: "Keep notes" },
  { slot: "storage", text: "Should it keep what it finds?", options: ["yes", "no"], default: "yes", example: "" },
  { slot: "name", text: "What is it called?", options: [], default: "notes", example: "my-notes" },
];

export function builderHandlers(world: MockWorld): HttpHandler[] {
  const { url, sessions } = world;
  return [
    http.post(url("/api/v1/agent-builder/start"), async ({ request }) => {
      const body = (await request.json()) as { text?: string };
      const id = `00000000-0000-7000-a000-${String(sessions.size + 1).padStart(12, "0")}`;
      const begun = asked(fresh(id), []);
      const session = body.text ? replied(begun, body.text) : begun;
      sessions.set(id, session);
      return answered(session, { status: 201, headers: { Location: `/api/v1/agent-builder/${id}` } });
    }),
    http.get(url("/api/v1/agent-builder"), () => {
      const items = [...sessions.values()].map(({ id, state, owner, template, version, updated_at, expires_at }) => ({
        ...{ id, state, owner, template, version, updated_at, expires_at },
        title: "notes",
      }));
      return answered({ items, next: null });
    }),
    http.get(url("/api/v1/agent-builder/:session"), ({ params }) => {
      const found = sessions.get(String(params["session"]));
      return found === undefined ? missing("session") : answered(found);
    }),
    http.delete(url("/api/v1/agent-builder/:session"), ({ params }) =>
      sessions.delete(String(params["session"])) ? new HttpResponse(null, { status: 204 }) : missing("session"),
    ),
    http.post(url("/api/v1/agent-builder/:session/chat"), async ({ params, request }) => {
      const found = sessions.get(String(params["session"]));
      if (found === undefined) return missing("session");
      const { text, version } = (await request.json()) as { text: string; version?: number };
      if (version !== undefined && version !== found.version) return refused(412, "changed-meanwhile", "somebody else spoke");
      const next = replied(found, text);
      sessions.set(found.id, next);
      const reply = replyOf(next);
      if (!(request.headers.get("Accept") ?? "").includes("text/event-stream")) return answered(reply);
      const pieces = reply.text.split(/(?<= )/).map((piece, number) => ({
        event: "piece",
        id: String(number + 1),
        data: { text: piece },
      }));
      return events([...pieces, { event: "reply", id: "reply", data: reply }], request);
    }),
    http.get(url("/api/v1/agent-builder/:session/schema"), ({ params }) => {
      const found = sessions.get(String(params["session"]));
      if (found === undefined) return missing("session");
      return found.draft === null ? refused(409, "no-draft", "there is no draft yet") : answered(previewOf(found));
    }),
    http.post(url("/api/v1/agent-builder/:session/finalize"), ({ params }) => {
      const found = sessions.get(String(params["session"]));
      if (found === undefined) return missing("session");
      if (found.draft === null) return refused(409, "no-draft", "there is no draft yet");
      const session: SessionView = { ...found, state: "finalized", questions: [], version: found.version + 1 };
      sessions.set(found.id, session);
      const { type, agent } = found.draft;
      world.types.set(type, typeLine(type));
      world.agents.set(agent, agentLine(agent, type));
      const where = { live: true, paths: [`${type}/type.yaml`], branch: "", commit: "", url: "", revision: 2 };
      const finalized: FinalizedView = { session, agent, summary: `Adds ${agent}.`, ...where };
      return answered(finalized);
    }),
  ];
}

function fresh(id: string): SessionView {
  return {
    id,
    state: "collecting",
    owner: "somebody",
    template: "blank",
    mode: "guided",
    model: "",
    version: 1,
    created_at: AT,
    updated_at: AT,
    expires_at: AT,
    messages: [],
    slots: [],
    questions: [],
    completeness: { share: 0, missing: [] },
    draft: null,
    usage: { calls: 0, prompt_tokens: 0, completion_tokens: 0, seconds: 0 },
  };
}

/** The session with these slots, and the next question put. */
function asked(session: SessionView, slots: readonly SlotView[]): SessionView {
  const open = QUESTIONS.slice(slots.length);
  const [next] = open;
  const name = String(slots[2]?.value ?? "notes");
  const draft = { type: name, agent: `${name}-agent`, version: "1.0.0", tools: ["database_writer"], fields: {}, checked: true };
  const text = next?.text ?? "Here is the draft. Shall I make it so?";
  return {
    ...session,
    state: next === undefined ? "preview" : "collecting",
    messages: [...session.messages, { role: "builder", text, at: AT }],
    slots: [...slots],
    questions: next === undefined ? [] : [next],
    completeness: { share: slots.length / QUESTIONS.length, missing: open.map(({ slot }) => slot) },
    draft: next === undefined ? draft : null,
  };
}

function replied(session: SessionView, text: string): SessionView {
  const messages = [...session.messages, { role: "user" as const, text, at: AT }];
  const question = QUESTIONS[session.slots.length];
  const slots =
    question === undefined
      ? session.slots
      : [...session.slots, { name: question.slot, label: question.slot, value: text || question.default, source: "said" as const }];
  return asked({ ...session, messages, version: session.version + 1 }, slots);
}

function replyOf(session: SessionView): Reply {
  const { version, state, questions, completeness, draft, mode } = session;
  const text = session.messages.at(-1)?.text ?? "";
  return { session: session.id, version, state, text, notices: [], questions, completeness, draft, mode, usage: session.usage!, seconds: 0 };
}

function previewOf(session: SessionView): PreviewView {
  const { type = "notes", agent = "notes-agent" } = session.draft ?? {};
  const changes = [`type/${type}`, `agent/${agent}`].map((address) => ({ action: "add", address, reason: "" }));
  return {
    session: session.id,
    version: session.version,
    state: session.state,
    yaml: `kind: AgentType\nmetadata: {name: ${type}}\n`,
    documents: [],
    files: {},
    plan: { id: "plan-of-a-draft", changes, hazards: [] },
    plan_text: "",
    docs: "",
    sample_input: {},
    sample_output: null,
    tests: [{ name: "it answers", passed: true, differences: [] }],
    risks: [],
    problems: [],
    ready: true,
    agent,
    questions: [],
  };
}

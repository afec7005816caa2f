/** Walks through the console as somebody would who has just been given a key, and tells what was met on the way. */
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const given = JSON.parse(process.argv[2]);
const { base, key, out } = given;
const axe = readFileSync(given.axe, "utf8");
const browser = await chromium.launch({ executablePath: given.browser, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
const told = { outside: [], errors: [], axe: [], overflow: [], facts: {}, screenshots: [] };
const PATIENCE = 30_000;

async function opened(viewport, scheme) {
  const context = await browser.newContext({ viewport, colorScheme: scheme });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  page.on("request", (request) => (request.url().startsWith(base) ? null : told.outside.push(request.url())));
  page.on("pageerror", (error) => told.errors.push(error.message));
  page.on("console", (message) => (message.type() === "error" ? told.errors.push(message.text()) : null));
  return { context, page, session: await context.newCDPSession(page) };
}

async function signIn(page) {
  await page.goto(`${base}/`);
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
}

/** Everything that is asked for has come. */
async function settled(page) {
  await page.locator(".bones").first().waitFor({ state: "detached" });
  await page.waitForFunction(() => document.querySelector("h1") !== null);
}

/** A picture of the page, and what a reader of screens would stumble over. */
async function looked({ page, session }, name) {
  await settled(page);
  const path = `${out}/${name}.png`;
  await page.screenshot({ path, fullPage: true, animations: "disabled" });
  told.screenshots.push(path);
  const width = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (width > 0) told.overflow.push(`${name}: ${width}`);
  // Past the page's policy, which lets in no code: by the debugger.
  await session.send("Runtime.evaluate", { expression: `${axe};0` });
  const expression = "axe.run(document, {resultTypes: ['violations']}).then(({violations}) => JSON.stringify(violations))";
  const { result } = await session.send("Runtime.evaluate", { expression, awaitPromise: true });
  for (const { id, impact, nodes } of JSON.parse(result.value)) {
    if (impact === "serious" || impact === "critical") told.axe.push(`${name}: ${id} ${nodes[0].html.slice(0, 200)}`);
  }
}

const wide = await opened({ width: 1280, height: 900 }, "light");
const { page } = wide;

// The gate.
await page.goto(`${base}/`);
await page.getByLabel("API key").waitFor();
await looked(wide, "sign-in");
await page.getByLabel("API key").fill("rk_wrong_wrong");
await page.getByRole("button", { name: "Sign in" }).click();
await page.getByText("not, or no longer, in use").waitFor();
told.errors.length = 0; // the refusal, which the browser logs as well
await signIn(page);
told.facts.interactive = await page.evaluate(() => performance.getEntriesByType("navigation")[0].domInteractive);
await page.getByText("Changes are waiting to be applied").waitFor();
await looked(wide, "overview");

// The plan: read, its hazard accepted, applied.
await page.getByRole("link", { name: "Review the plan" }).click();
await page.getByRole("heading", { name: "1 hazard" }).waitFor();
const apply = page.getByRole("button", { name: /^Apply/ });
told.facts.appliesUnseen = await apply.isEnabled();
await page.locator("summary", { hasText: "type/feedback" }).first().click();
await page.locator("summary", { hasText: /^SQL/ }).click();
await page.getByText("ALTER", { exact: false }).first().waitFor();
await looked(wide, "plan");
await page.getByLabel(/I have seen this/).check();
await page.getByLabel("Reason").fill("reviewed in the console");
await apply.click();
await page.getByText(/Applied as/).waitFor();
await page.getByText("Nothing to do.", { exact: false }).waitFor();
await looked(wide, "plan-applied");

// A conversation with the builder, to a type that is live.
await page.getByRole("link", { name: "Builder", exact: true }).click();
await page.getByLabel("What should the agent do?").waitFor();
await looked(wide, "builder-before");
await page.getByRole("button", { name: "Begin" }).click();
const say = page.getByLabel("Your answer");
for (const [question, answer] of [
  ["What shall the agent do?", "text-processing"],
  ["Into which categories", "bug: crash, error; billing: invoice; praise"],
  ["What else shall be found", "none"],
  ["What shall it be called?", "ticket-sorter"],
]) {
  await page.locator(".rc-by-builder", { hasText: question }).last().waitFor();
  await page.waitForFunction(() => !document.querySelector(".rc-say button")?.disabled);
  await say.fill(answer);
  await page.getByRole("button", { name: "Say" }).click();
  if (answer === "none") await looked(wide, "builder-talk");
}
const make = page.getByRole("button", { name: "Make it so" });
await make.waitFor();
await page.waitForFunction(() => [...document.querySelectorAll("button")].some((one) => one.textContent === "Make it so" && !one.disabled));
await looked(wide, "builder-draft");
await make.click();
await page.locator(".rc-outcome", { hasText: "is there" }).waitFor();
await looked(wide, "builder-live");

// The agent is deployed, by the keyboard found, and run; its task is watched.
await page.locator("h1").focus();
await page.keyboard.press("/");
await page.getByLabel("Go to a page, an agent or a type").fill("ticket-sorter agent");
await looked(wide, "palette");
await page.keyboard.press("Enter");
await page.getByRole("heading", { level: 1, name: /ticket-sorter/ }).waitFor();
told.facts.deployed = await page.locator(".head .chip").first().textContent();
await looked(wide, "agent");
await page.goto(`${base}/#/agents/feedback-reader`);
await page.getByLabel("text *").or(page.getByLabel("text", { exact: true })).first().fill("Your application is a joy.");
await page.getByRole("button", { name: "Run", exact: true }).click();
await page.waitForURL(/#\/tasks\//);
const states = new Set();
const chip = page.locator(".head .chip").first();
for (let look = 0; look < 400; look++) {
  const state = await chip.textContent({ timeout: PATIENCE }).catch(() => null);
  if (state) states.add(state.trim());
  if (states.has("succeeded") || states.has("failed") || states.has("dead letter")) break;
  await page.waitForTimeout(25);
}
told.facts.states = [...states];
await page.locator(".trace li", { hasText: "save" }).waitFor();
told.facts.steps = await page.locator(".trace li strong").allTextContents();
await looked(wide, "task");

// Its results, narrowed.
await page.goto(`${base}/#/results/feedback-reader`);
const rows = page.locator(".rc-scroller tbody tr:not([aria-hidden])");
await rows.first().waitFor();
await looked(wide, "results");
await page.locator(".bars button", { hasText: "delighted" }).click();
await page.waitForFunction(() => [...document.querySelectorAll(".rc-scroller tbody tr:not([aria-hidden])")].every((row) => row.textContent.includes("delighted")));
told.facts.moods = [...new Set((await rows.allTextContents()).map((text) => /delighted|content|unsure|annoyed/.exec(text)?.[0]))];
await looked(wide, "results-filtered");

// Back to a former revision.
await page.goto(`${base}/#/revisions`);
await page.getByRole("link", { name: "Revision 2" }).click();
await page.getByRole("button", { name: /Go back/ }).click();
await page.getByRole("button", { name: /^Take back/ }).waitFor();
for (const box of await page.getByLabel(/I have seen this/).all()) await box.check();
await looked(wide, "rollback");
await page.getByRole("button", { name: /^Take back/ }).click();
await page.waitForURL(/#\/revisions\/(?!2$)\d+/);
told.facts.rolledBack = page.url().split("#")[1];
await looked(wide, "revision");

// All pages, on a phone and in the dark; the menu by its button.
const small = await opened({ width: 360, height: 740 }, "dark");
await signIn(small.page);
const pages = ["/", "/plan", "/drift", "/agents", "/agents/support-inbox", "/types", "/types/email-analysis", "/tasks", "/results/support-inbox", "/builder", "/revisions", "/revisions/1", "/archives", "/incidents", "/audit", "/nowhere"];
for (const place of pages) {
  await small.page.goto(`${base}/#${place}`);
  await looked(small, `phone-${place.replaceAll("/", "-").slice(1) || "overview"}`);
}
await small.page.getByRole("button", { name: "Menu", exact: true }).click();
await looked(small, "phone-menu");
await small.page.getByRole("link", { name: "Agents" }).click();
await small.page.getByRole("heading", { level: 1, name: "Agents" }).waitFor();

await browser.close();
console.log(JSON.stringify(told));

/**
 * A page for components, beside Node's own `fetch`, `Request` and `AbortController`, which belong together. Where a
 * server is told of in LIVE_URL the tests speak to that one, else to the mocks.
 */
import { JSDOM } from "jsdom";

const dom = new JSDOM("<!doctype html><html lang='en'><head><title>tests</title></head><body></body></html>", {
  url: "http://127.0.0.1:9/",
  pretendToBeVisual: true,
});
const names = ["document", "HTMLElement", "HTMLIFrameElement", "HTMLInputElement", "Node", "Element", "MutationObserver"];
const scope = globalThis as unknown as Record<string, unknown>;
const page = dom.window as unknown as Record<string, unknown>;
scope["window"] = dom.window;
for (const name of names) scope[name] = page[name];
Object.defineProperty(globalThis, "navigator", { value: dom.window.navigator, configurable: true });
scope["IS_REACT_ACT_ENVIRONMENT"] = true;

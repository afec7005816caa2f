/** What components and hooks need around them, and what to ask of a page. */
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import axe from "axe-core";
import type { ReactElement, ReactNode } from "react";
import { createClient, type Client } from "reconciler-sdk";
import { AgentsProvider } from "reconciler-sdk/react";

export const BASE_URL = process.env["LIVE_URL"] ?? "http://127.0.0.1:9";
export const AGENT = "demo";

export function client(): Client {
  return createClient({ baseUrl: BASE_URL, apiKey: process.env["LIVE_KEY"] ?? "key" });
}

export function surroundings(): (props: { children: ReactNode }) => ReactElement {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const ours = client();
  return ({ children }) => (
    <QueryClientProvider client={queries}>
      <AgentsProvider client={ours}>
        <main>
          <h1>tests</h1>
          {children}
        </main>
      </AgentsProvider>
    </QueryClientProvider>
  );
}

/** Rules of accessibility that the page breaks, without those about colours, which need a layout. */
export async function broken(): Promise<string[]> {
  const found = await axe.run(document.body, { rules: { "color-contrast": { enabled: false } } });
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ""}`);
}

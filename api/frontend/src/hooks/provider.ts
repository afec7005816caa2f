/** The client that hooks speak through. */
import { createContext, createElement, useContext, type ReactElement, type ReactNode } from "react";
import type { Client } from "../client.js";

const ClientContext = createContext<Client | null>(null);

/** Wraps what uses the hooks; itself inside a `QueryClientProvider`. */
export function AgentsProvider(props: { client: Client; children?: ReactNode }): ReactElement {
  return createElement(ClientContext.Provider, { value: props.client }, props.children);
}

export function useClient(): Client {
  const client = useContext(ClientContext);
  if (client === null) throw new Error("useClient: there is no <AgentsProvider> above");
  return client;
}

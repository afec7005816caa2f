/** Who is signed in. The key lives in this tab only, and goes with it. */
import { ApiError, createClient } from "@reconciler/frontend";
import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from "react";
import { AgentsProvider } from "@reconciler/frontend/react";
import type { Role } from "./shapes";

const KEPT = "reconciler-key";
const ROLES: readonly string[] = ["viewer", "author", "operator", "admin"];
const FRESH = 2_000;

interface Session {
  readonly signedIn: boolean;
  /** Why one has to sign in again. */
  readonly notice: string;
  signIn(key: string): void;
  signOut(notice?: string): void;
}

const SessionContext = createContext<Session | null>(null);

export function SessionProvider(props: { readonly children: ReactNode }): ReactNode {
  const [key, setKey] = useState(kept);
  const [notice, setNotice] = useState("");
  const signIn = useCallback((given: string) => {
    keep(given);
    setNotice("");
    setKey(given);
  }, []);
  const signOut = useCallback((told = "") => {
    keep("");
    setNotice(told);
    setKey("");
  }, []);
  // Another key sees another world: what was remembered goes with the old one.
  const { client, cache } = useMemo(() => {
    const refused = (error: Error): void => {
      if (error instanceof ApiError && error.status === 401) signOut("This key is not, or no longer, in use.");
    };
    return {
      client: createClient({ baseUrl: new URL(".", document.baseURI).href, apiKey: key }),
      cache: new QueryClient({
        queryCache: new QueryCache({ onError: refused }),
        defaultOptions: {
          queries: { staleTime: FRESH, retry: (count, error) => count < 2 && !(error instanceof ApiError && !error.passing) },
        },
      }),
    };
  }, [key, signOut]);
  const session = useMemo<Session>(() => ({ signedIn: key !== "", notice, signIn, signOut }), [key, notice, signIn, signOut]);
  return (
    <SessionContext value={session}>
      <QueryClientProvider client={cache}>
        <AgentsProvider client={client}>{props.children}</AgentsProvider>
      </QueryClientProvider>
    </SessionContext>
  );
}

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error("useSession: there is no <SessionProvider> above");
  return session;
}

/** Whether a role may do what another one may. */
export function covers(role: string | undefined, needed: Role): boolean {
  return role !== undefined && ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

function kept(): string {
  try {
    return window.sessionStorage.getItem(KEPT) ?? "";
  } catch {
    return ""; // a browser that keeps nothing: the key lives until the page is left
  }
}

function keep(key: string): void {
  try {
    if (key) window.sessionStorage.setItem(KEPT, key);
    else window.sessionStorage.removeItem(KEPT);
  } catch {
    // as above
  }
}

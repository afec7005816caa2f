/** What somebody writes who installed the package of an instance: it compiles strictly, and is bundled. */
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode, useState, type ReactElement } from "react";
import { createRoot } from "react-dom/client";
import { createClient, type InputOf } from "reconciler-sdk";
import { LiveTask, ResultsTable, RunForm } from "reconciler-sdk/components";
import { AgentsProvider, useSubmitTask } from "reconciler-sdk/react";
import "reconciler-sdk/styles.css";

const client = createClient({ baseUrl: window.location.origin });
const greeting: InputOf<"text-processing"> = { text: "Hello" };

function Greeting(): ReactElement {
  const submission = useSubmitTask("text-processing", "text-processing-demo");
  const [greeted, setGreeted] = useState<string>();
  const greet = (): void => submission.mutate(greeting, { onSuccess: ({ id }) => setGreeted(id) });
  return (
    <>
      <button onClick={greet}>Greet</button>
      {greeted ? <LiveTask id={greeted} /> : null}
    </>
  );
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={new QueryClient()}>
      <AgentsProvider client={client}>
        <Greeting />
        <RunForm type="text-processing" agent="text-processing-demo" />
        <ResultsTable type="text-processing" agent="text-processing-demo" model="document" columns={["topic", "text"]} />
      </AgentsProvider>
    </QueryClientProvider>
  </StrictMode>,
);

/** The whole console: who is not signed in sees the gate, others the page of their place. */
import type { ReactNode } from "react";
import { AgentPage } from "./pages/agent";
import { AgentsPage } from "./pages/agents";
import { ArchivesPage } from "./pages/archives";
import { AuditPage } from "./pages/audit";
import { BuilderPage } from "./pages/builder";
import { DriftPage } from "./pages/drift";
import { IncidentsPage } from "./pages/incidents";
import { MissingPage } from "./pages/missing";
import { OverviewPage } from "./pages/overview";
import { PlanPage } from "./pages/plan";
import { ResultsPage } from "./pages/results";
import { RevisionPage } from "./pages/revision";
import { RevisionsPage } from "./pages/revisions";
import { SignInPage } from "./pages/sign-in";
import { TaskPage } from "./pages/task";
import { TasksPage } from "./pages/tasks";
import { TypePage } from "./pages/type";
import { TypesPage } from "./pages/types";
import { usePlace, type Place } from "./routing";
import { SessionProvider, useSession } from "./session";
import { Shell } from "./shell";

export function App(): ReactNode {
  return (
    <SessionProvider>
      <Entered />
    </SessionProvider>
  );
}

function Entered(): ReactNode {
  const place = usePlace();
  return useSession().signedIn ? <Shell place={place}>{pageOf(place)}</Shell> : <SignInPage />;
}

function pageOf({ path: [section, name], query }: Place): ReactNode {
  switch (section) {
    case undefined:
      return <OverviewPage />;
    case "plan":
      return <PlanPage />;
    case "types":
      return name === undefined ? <TypesPage query={query} /> : <TypePage key={name} name={name} />;
    case "agents":
      return name === undefined ? <AgentsPage query={query} /> : <AgentPage key={name} name={name} />;
    case "tasks":
      return name === undefined ? <TasksPage query={query} /> : <TaskPage key={name} id={name} />;
    case "results":
      return <ResultsPage key={name ?? ""} agent={name ?? ""} query={query} />;
    case "revisions":
      return name === undefined ? <RevisionsPage /> : <RevisionPage key={name} number={Number(name)} />;
    case "archives":
      return <ArchivesPage />;
    case "drift":
      return <DriftPage />;
    case "incidents":
      return <IncidentsPage query={query} />;
    case "audit":
      return <AuditPage query={query} />;
    case "builder":
      return <BuilderPage key={name ?? ""} session={name} />;
    default:
      return <MissingPage />;
  }
}

import "@reconciler/frontend/styles.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/parts.css";
import "./styles/package.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { config } from "zod";
import { App } from "./app";
import { applyTheme, chosenTheme } from "./theme";

config({ jitless: true }); // validators are not compiled: the policy of the page lets no text become code
applyTheme(chosenTheme());
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);

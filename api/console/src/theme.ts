/** Light, dark, or as the system has it. */
const KEPT = "reconciler-theme";
export type Theme = "system" | "light" | "dark";

export function chosenTheme(): Theme {
  try {
    const kept = window.localStorage.getItem(KEPT);
    return kept === "light" || kept === "dark" ? kept : "system";
  } catch {
    return "system";
  }
}

export function applyTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
  try {
    window.localStorage.setItem(KEPT, theme);
  } catch {
    // a browser that keeps nothing: it holds until the page is left
  }
}

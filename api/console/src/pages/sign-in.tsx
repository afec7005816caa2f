import { useEffect, useState, type FormEvent, type ReactNode } from "react";
import icon from "../icon.svg";
import { useSession } from "../session";

/** The gate: a key, which is tried by the first thing that is asked with it. */
export function SignInPage(): ReactNode {
  const { signIn, notice } = useSession();
  const [key, setKey] = useState("");
  useEffect(() => {
    document.title = "Sign in · Reconciler";
  }, []);

  function submit(event: FormEvent): void {
    event.preventDefault();
    if (key.trim()) signIn(key.trim());
  }

  return (
    <main className="gate">
      <form onSubmit={submit}>
        <img src={icon} alt="" />
        <div className="stack tight">
          <h1>Sign in</h1>
          <p className="soft">With an API key. It stays in this tab, and goes when you close it.</p>
        </div>
        <div className="field">
          <label htmlFor="key">API key</label>
          <input
            id="key"
            type="password"
            className="mono"
            autoComplete="off"
            spellCheck={false}
            autoFocus
            placeholder="rk_…"
            value={key}
            aria-invalid={notice !== ""}
            aria-describedby={notice ? "key-notice" : undefined}
            onChange={(event) => setKey(event.target.value)}
          />
        </div>
        {notice ? (
          <p id="key-notice" role="alert" className="rc-problem">
            {notice}
          </p>
        ) : null}
        <button type="submit" disabled={key.trim() === ""}>
          Sign in
        </button>
        <small>
          Whoever runs the server makes keys: <code>reconcile keys create NAME --role operator</code>
        </small>
      </form>
    </main>
  );
}

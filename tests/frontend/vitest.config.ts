import { defineConfig } from "vitest/config";

/** The package of an instance lies beside these tests, as `reconcile sdk typescript` writes it. */
const sdk = new URL("../sdk/src/", import.meta.url).pathname;

export default defineConfig({
  resolve: {
    alias: [
      { find: /^reconciler-sdk$/, replacement: `${sdk}index.ts` },
      { find: /^reconciler-sdk\/(\w+)$/, replacement: `${sdk}$1.ts` },
    ],
  },
  esbuild: { jsx: "automatic" },
  test: {
    environment: "node",
    setupFiles: ["./setup.ts"],
    include: ["*.test.tsx"],
    testTimeout: 60_000,
    pool: "threads",
    maxWorkers: 1,
    minWorkers: 1,
    isolate: false,
    cache: false,
  },
});

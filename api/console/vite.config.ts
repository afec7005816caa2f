/** The bundle: the same bytes wherever it is built, as a test compares them. Nothing is inlined, for the page's policy. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const frontend = fileURLToPath(new URL("../frontend/src", import.meta.url));

export default defineConfig({
  base: "./",
  resolve: {
    alias: [
      { find: /^@reconciler\/frontend$/, replacement: `${frontend}/index.ts` },
      { find: /^@reconciler\/frontend\/styles\.css$/, replacement: `${frontend}/styles.css` },
      { find: /^@reconciler\/frontend\/(\w+)$/, replacement: `${frontend}/$1.ts` },
    ],
    dedupe: ["react", "react-dom", "@tanstack/react-query", "zod"],
  },
  esbuild: { jsx: "automatic", legalComments: "none" },
  build: {
    outDir: "bundle",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: {
      output: {
        manualChunks: (id) => (id.includes("/node_modules/") ? "libraries" : undefined),
      },
    },
  },
});

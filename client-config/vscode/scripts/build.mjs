// Bundle the extension into one file for the editor's Node.
import { copyFile } from "node:fs/promises";
import { build } from "esbuild";

await build({
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.cjs",
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  external: ["vscode"],
  minify: process.argv.includes("--minify"),
  // The language client ships both module formats; its ES modules give a smaller bundle.
  mainFields: ["module", "main"],
  legalComments: "none",
  logLevel: "warning",
});

// The package contains the license.
await copyFile("../../LICENSE", "LICENSE");

// One file of it all, for the node that an editor brings along.
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
  // The client is written for both; its ES modules are the smaller.
  mainFields: ["module", "main"],
  legalComments: "none",
  logLevel: "warning",
});

// The licence goes with the package.
await copyFile("../../LICENSE", "LICENSE");

// Writes the server's settings into package.json, as the installed fillmask-ls knows them.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const OWN = /^fillmask\.(server|trace)\./;

const file = new URL("../package.json", import.meta.url);
const manifest = JSON.parse(readFileSync(file, "utf8"));
const schema = JSON.parse(execFileSync(process.env.PYTHON ?? "python3", ["-m", "fillmask_ls.settings"], { encoding: "utf8" }));
const known = manifest.contributes.configuration.properties;
const own = Object.fromEntries(Object.entries(known).filter(([name]) => OWN.test(name)));
const properties = { ...schema, ...own };
manifest.contributes.configuration.properties = properties;
manifest.capabilities.untrustedWorkspaces.restrictedConfigurations = Object.keys(properties).filter(
  (name) => properties[name].scope === "machine-overridable",
);
writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);

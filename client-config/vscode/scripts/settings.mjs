// Write the settings of the installed fillmask-ls into package.json.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const EXTENSION_SETTING = /^fillmask\.(server|trace)\./;

const file = new URL("../package.json", import.meta.url);
const manifest = JSON.parse(readFileSync(file, "utf8"));
const schema = JSON.parse(execFileSync(process.env.PYTHON ?? "python3", ["-m", "fillmask_ls.settings"], { encoding: "utf8" }));
const current = manifest.contributes.configuration.properties;
const extensionSettings = Object.fromEntries(Object.entries(current).filter(([name]) => EXTENSION_SETTING.test(name)));
const properties = { ...schema, ...extensionSettings };
manifest.contributes.configuration.properties = properties;
manifest.capabilities.untrustedWorkspaces.restrictedConfigurations = Object.keys(properties).filter(
  (name) => properties[name].scope === "machine-overridable",
);
writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);

import assert from "node:assert/strict";
import { test } from "node:test";
import { remedies, isCompatible, menu, modelName, statusBarView, type ServerStatus, type State } from "../src/status.ts";

const status: ServerStatus = {
  state: "ready",
  model: "google-bert/bert-base-uncased",
  error: null,
  version: "0.1.0",
  engine: "local",
  host: null,
  leavesMachine: false,
};
const running: State = { kind: "running", status, command: "/usr/bin/fillmask-ls" };

void test("the status bar shows the last part of a model's name", () => {
  assert.equal(statusBarView(running).text, "$(symbol-array) bert-base-uncased");
  assert.equal(statusBarView(running).isWarning, false);
  assert.equal(modelName("/home/ada/models/bert/"), "bert");
  assert.equal(modelName("C:\\models\\bert"), "bert");
  assert.equal(modelName(null), "");
});

void test("the status bar shows progress and problems", () => {
  assert.match(statusBarView({ kind: "starting" }).text, /spin/);
  assert.match(statusBarView({ kind: "installing" }).text, /spin/);
  assert.match(statusBarView({ ...running, status: { ...status, state: "loading" } }).text, /spin/);
  assert.deepEqual(statusBarView({ kind: "missing", message: "Server not found." }), { text: "$(warning) fillmask", tooltip: "Server not found.", isWarning: true });
  const failed = statusBarView({ ...running, status: { ...status, state: "failed", model: null, error: "Model x not found." } });
  assert.deepEqual(failed, { text: "$(warning) fillmask", tooltip: "Model x not found.", isWarning: true });
  // The previous model stays in use.
  assert.match(statusBarView({ ...running, status: { ...status, error: "Model x not found." } }).tooltip, /using google-bert\/bert-base-uncased\. Model x not found\./);
});

void test("the menu shows the server's version, state and path, and offers actions", () => {
  const entries = menu(running, true);
  assert.ok(!entries.some(({ label }) => label.endsWith("Update the server…")));
  assert.ok(menu(running, true, true).some(({ label }) => label.endsWith("Update the server…")));
  assert.match(entries[0]?.description ?? "", /ready · fillmask-ls 0\.1\.0/);
  assert.equal(entries[0]?.detail, "/usr/bin/fillmask-ls");
  const commands = entries.map(({ command }) => command);
  assert.ok(commands.includes("fillmask.selectModel"));
  assert.ok(!commands.includes("fillmask.installServer"));
  const missing = menu({ kind: "missing", message: "" }, true).map(({ command }) => command);
  assert.ok(missing.includes("fillmask.installServer"));
  assert.ok(!missing.includes("fillmask.inspect"));
});

void test("the menu of an untrusted workspace offers neither models nor an installation", () => {
  for (const state of [running, { kind: "missing", message: "" } satisfies State]) {
    const commands = menu(state, false).map(({ command }) => command);
    for (const command of ["fillmask.selectModel", "fillmask.downloadModel", "fillmask.installServer"]) assert.ok(!commands.includes(command));
  }
});

void test("the status bar and its menu show where text goes", () => {
  const remote: State = { ...running, status: { ...status, engine: "remote", host: "engine.example.org", leavesMachine: true } };
  assert.equal(statusBarView(remote).text, "$(cloud) bert-base-uncased");
  assert.match(statusBarView(remote).tooltip, /leaves this machine for engine\.example\.org/);
  assert.match(menu(remote, true)[1]?.label ?? "", /leaves this machine for engine\.example\.org/);
  assert.ok(menu(remote, true).some(({ command }) => command === "fillmask.setEngineToken"));

  const tunnel: State = { ...running, status: { ...status, engine: "remote", host: "localhost:8000" } };
  assert.doesNotMatch(statusBarView(tunnel).tooltip, /leaves/);
  assert.match(statusBarView(tunnel).tooltip, /goes to localhost:8000/);

  const unreachable: State = { ...running, status: { ...status, host: "engine.example.org", leavesMachine: true, error: "engine.example.org requires a token (401)." } };
  assert.equal(statusBarView(unreachable).text, "$(warning) bert-base-uncased");
  assert.match(statusBarView(unreachable).tooltip, /uncased\. engine\.example\.org requires a token/);
  assert.match(menu(unreachable, true)[1]?.label ?? "", /engine\.example\.org does not answer/);
  assert.ok(menu(unreachable, true).some(({ command }) => command === "fillmask.setEngineToken"));

  assert.ok(!menu(running, true).some(({ label }) => label.includes("engine")));
});

void test("a server of the same release series is compatible", () => {
  assert.ok(isCompatible("0.1.0", "0.1.5"));
  assert.ok(!isCompatible("0.2.0", "0.1.5"));
  assert.ok(!isCompatible("1.1.0", "0.1.0"));
});

void test("a problem keeps the status bar amber and offers what may solve it", () => {
  const broken: State = { ...running, status: { ...status, error: "Model no/such is not in the cache. Download it." } };
  assert.ok(statusBarView(broken).isWarning);
  assert.ok(!statusBarView(running).isWarning);
  const titles = remedies(broken.status).map(({ title }) => title);
  assert.deepEqual(titles, ["Download…", "Choose Model…", "Open Settings", "Show Log"]);
  assert.ok(menu(broken, true).some(({ label }) => label.endsWith("Download…")));
  assert.ok(!menu(broken, false).some(({ label }) => label.endsWith("Download…")));
  assert.deepEqual(remedies(status), []);
});

void test("the built-in model has a plain name", () => {
  assert.match(statusBarView({ ...running, status: { ...status, model: "embedded" } }).text, /built-in$/);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { compatible, menu, modelName, view, type ServerStatus, type State } from "../src/state.ts";

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

void test("the status bar has room for a model's name, not for where it comes from", () => {
  assert.equal(view(running).text, "$(symbol-array) bert-base-uncased");
  assert.equal(view(running).problem, false);
  assert.equal(modelName("/home/ada/models/bert/"), "bert");
  assert.equal(modelName("C:\\models\\bert"), "bert");
  assert.equal(modelName(null), "");
});

void test("what goes on and what went wrong is to be seen", () => {
  assert.match(view({ kind: "starting" }).text, /spin/);
  assert.match(view({ kind: "installing" }).text, /spin/);
  assert.match(view({ ...running, status: { ...status, state: "loading" } }).text, /spin/);
  assert.deepEqual(view({ kind: "missing", why: "It is not there." }), { text: "$(warning) fillmask", tooltip: "It is not there.", problem: true });
  const failed = view({ ...running, status: { ...status, state: "failed", model: null, error: "There is no model x." } });
  assert.deepEqual(failed, { text: "$(warning) fillmask", tooltip: "There is no model x.", problem: true });
  // The model before answers on.
  assert.match(view({ ...running, status: { ...status, error: "There is no model x." } }).tooltip, /bert-base-uncased answers\. There is no model x\./);
});

void test("the menu says version, state and where the server is, and offers what can be done", () => {
  const entries = menu(running, true);
  assert.match(entries[0]?.description ?? "", /ready · fillmask-ls 0\.1\.0/);
  assert.equal(entries[0]?.detail, "/usr/bin/fillmask-ls");
  const commands = entries.map(({ command }) => command);
  assert.ok(commands.includes("fillmask.selectModel"));
  assert.ok(!commands.includes("fillmask.installServer"));
  const missing = menu({ kind: "missing", why: "" }, true).map(({ command }) => command);
  assert.ok(missing.includes("fillmask.installServer"));
  assert.ok(!missing.includes("fillmask.inspect"));
});

void test("a workspace without trust chooses and installs nothing", () => {
  for (const state of [running, { kind: "missing", why: "" } satisfies State]) {
    const commands = menu(state, false).map(({ command }) => command);
    for (const command of ["fillmask.selectModel", "fillmask.downloadModel", "fillmask.installServer"]) assert.ok(!commands.includes(command));
  }
});

void test("where text goes is to be seen before the menu is opened and in it", () => {
  const remote: State = { ...running, status: { ...status, engine: "remote", host: "engine.example.org", leavesMachine: true } };
  assert.equal(view(remote).text, "$(cloud) bert-base-uncased");
  assert.match(view(remote).tooltip, /leaves this machine for engine\.example\.org/);
  assert.match(menu(remote, true)[1]?.label ?? "", /leaves this machine for engine\.example\.org/);
  assert.ok(menu(remote, true).some(({ command }) => command === "fillmask.setEngineToken"));

  const tunnel: State = { ...running, status: { ...status, engine: "remote", host: "localhost:8000" } };
  assert.doesNotMatch(view(tunnel).tooltip, /leaves/);
  assert.match(view(tunnel).tooltip, /goes to localhost:8000/);

  const lost: State = { ...running, status: { ...status, host: "engine.example.org", leavesMachine: true, error: "engine.example.org wants a token (401)." } };
  assert.equal(view(lost).text, "$(symbol-array) bert-base-uncased");
  assert.match(view(lost).tooltip, /answers\. engine\.example\.org wants a token/);
  assert.match(menu(lost, true)[1]?.label ?? "", /engine\.example\.org does not answer/);
  assert.ok(menu(lost, true).some(({ command }) => command === "fillmask.setEngineToken"));

  assert.ok(!menu(running, true).some(({ label }) => label.includes("engine")));
});

void test("a server of the same series is understood", () => {
  assert.ok(compatible("0.1.0", "0.1.5"));
  assert.ok(!compatible("0.2.0", "0.1.5"));
  assert.ok(!compatible("1.1.0", "0.1.0"));
});

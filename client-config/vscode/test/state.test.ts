import assert from "node:assert/strict";
import { test } from "node:test";
import { compatible, menu, modelName, view, type State } from "../src/state.ts";

const status = { state: "ready", model: "google-bert/bert-base-uncased", error: null, version: "0.1.0" };
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

void test("a server of the same series is understood", () => {
  assert.ok(compatible("0.1.0", "0.1.5"));
  assert.ok(!compatible("0.2.0", "0.1.5"));
  assert.ok(!compatible("1.1.0", "0.1.0"));
});

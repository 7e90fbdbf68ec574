import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { createMessageConnection, Trace } from "vscode-jsonrpc/node";
import { initializationOptions, redactToken, serverSettings } from "../src/configuration.ts";

const values = {
  model: "x",
  device: "cpu",
  engine: { url: "https://engine.example.org" },
  completion: { topK: 3 },
  server: { path: "y" },
  trace: { server: "off" },
};
const restricted = ["fillmask.model", "fillmask.device", "fillmask.server.path", "fillmask.server.arguments"];

function userSettings(values: Record<string, unknown>) {
  return (name: string): unknown => values[name];
}

void test("the extension's own settings are not sent to the server", () => {
  const { model, device, engine, completion } = values;
  assert.deepEqual(serverSettings(values, true, restricted), { model, device, engine, completion });
});

void test("an untrusted workspace's engine and restricted settings are not sent to the server", () => {
  assert.deepEqual(serverSettings(values, false, restricted), { completion: { topK: 3 } });
});

void test("other values are passed on", () => {
  for (const other of [null, undefined, "text", [1]]) assert.deepEqual(serverSettings(other, false, restricted), other);
});

void test("the initialization options contain the shared engine and its token", () => {
  const chosen = userSettings({ "engine.url": "https://engine.example.org", "engine.fallback": false, model: "x" });
  assert.deepEqual(initializationOptions(true, chosen, restricted, "s3cret"), {
    trusted: true,
    distinguishesManualTrigger: true,
    "engine.url": "https://engine.example.org",
    "engine.fallback": false,
    engineToken: "s3cret",
  });
  assert.deepEqual(initializationOptions(true, userSettings({}), restricted, undefined), { trusted: true, distinguishesManualTrigger: true });
});

void test("in an untrusted workspace, they contain the user's model, and neither engine nor token", () => {
  const chosen = userSettings({ "engine.url": "https://engine.example.org", model: "/home/ada/bert", device: "cpu", "server.path": "/opt/ls", "completion.topK": 3 });
  assert.deepEqual(initializationOptions(false, chosen, restricted, "s3cret"), { trusted: false, distinguishesManualTrigger: true, userSettings: { model: "/home/ada/bert", device: "cpu" } });
});

void test("a provider's model is not sent to an untrusted workspace's server", () => {
  const chosen = { "engine.provider": "hf-inference", model: "google-bert/bert-large-uncased", device: "cpu" };
  assert.deepEqual(initializationOptions(false, userSettings(chosen), restricted, undefined), { trusted: false, distinguishesManualTrigger: true, userSettings: { device: "cpu" } });
  const both = { ...chosen, "engine.url": "https://engine.example.org" };
  assert.deepEqual(initializationOptions(false, userSettings(both), restricted, undefined), { trusted: false, distinguishesManualTrigger: true, userSettings: { model: chosen.model, device: "cpu" } });
});

/** Return the verbose trace of an initialize request. */
async function traceInitialize(token: string): Promise<string> {
  const connection = createMessageConnection(new PassThrough(), new PassThrough());
  connection.listen();
  const lines: string[] = [];
  await connection.trace(Trace.Verbose, {
    log: (message: unknown, data?: string) => {
      lines.push(`${String(message)}\n${data ?? ""}`);
    },
  });
  const request = connection.sendRequest("initialize", { initializationOptions: { trusted: true, engineToken: token }, trace: "verbose" });
  connection.dispose();
  await assert.rejects(request, /disposed/);
  return lines.join("\n");
}

void test("the trace never contains the token", async () => {
  for (const token of ["s3cret", 'a"b', "a\\", 'a\\"b"']) {
    const quoted = JSON.stringify(token);
    const line = await traceInitialize(token);
    assert.ok(line.includes(quoted), "the client traces the token as JSON");
    assert.equal(redactToken(line), line.replaceAll(quoted, '"…"'));
  }
  const text = JSON.stringify({ text: '{"engineToken": "mine"}' });
  assert.equal(redactToken(text), text);
});

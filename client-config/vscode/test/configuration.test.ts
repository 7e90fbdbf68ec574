import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { createMessageConnection, Trace } from "vscode-jsonrpc/node";
import { atStart, forServer, withoutToken } from "../src/configuration.ts";

const values = {
  model: "x",
  device: "cpu",
  engine: { url: "https://engine.example.org" },
  completion: { topK: 3 },
  server: { path: "y" },
  trace: { server: "off" },
};
const restricted = ["fillmask.model", "fillmask.device", "fillmask.server.path", "fillmask.server.arguments"];

/** What the user chose. */
function user(chosen: Record<string, unknown>) {
  return (name: string): unknown => chosen[name];
}

void test("the server isn't told of what is the extension's own", () => {
  const { model, device, engine, completion } = values;
  assert.deepEqual(forServer(values, true, restricted), { model, device, engine, completion });
});

void test("nor, without trust, of an engine, and of what a workspace may have chosen", () => {
  assert.deepEqual(forServer(values, false, restricted), { completion: { topK: 3 } });
});

void test("another section's answer is passed on", () => {
  for (const other of [null, undefined, "text", [1]]) assert.deepEqual(forServer(other, false, restricted), other);
});

void test("the server knows of an engine and its token as it starts", () => {
  const chosen = user({ "engine.url": "https://engine.example.org", "engine.fallback": false, model: "x" });
  assert.deepEqual(atStart(true, chosen, restricted, "s3cret"), {
    trusted: true,
    "engine.url": "https://engine.example.org",
    "engine.fallback": false,
    engineToken: "s3cret",
  });
  assert.deepEqual(atStart(true, user({}), restricted, undefined), { trusted: true });
});

void test("without trust it gets the model that the user chose, and neither engine nor token", () => {
  const chosen = user({ "engine.url": "https://engine.example.org", model: "/home/ada/bert", device: "cpu", "server.path": "/opt/ls", "completion.topK": 3 });
  assert.deepEqual(atStart(false, chosen, restricted, "s3cret"), { trusted: false, userSettings: { model: "/home/ada/bert", device: "cpu" } });
});

void test("a provider's model, which needn't be on this machine, is none for it", () => {
  const chosen = { "engine.provider": "hf-inference", model: "google-bert/bert-large-uncased", device: "cpu" };
  assert.deepEqual(atStart(false, user(chosen), restricted, undefined), { trusted: false, userSettings: { device: "cpu" } });
  const both = { ...chosen, "engine.url": "https://engine.example.org" };
  assert.deepEqual(atStart(false, user(both), restricted, undefined), { trusted: false, userSettings: { model: chosen.model, device: "cpu" } });
});

/** What the language client traces of the server's start, at its most verbose. */
async function traced(token: string): Promise<string> {
  const connection = createMessageConnection(new PassThrough(), new PassThrough());
  connection.listen();
  const lines: string[] = [];
  await connection.trace(Trace.Verbose, {
    log: (message: unknown, data?: string) => {
      lines.push(`${String(message)}\n${data ?? ""}`);
    },
  });
  const asked = connection.sendRequest("initialize", { initializationOptions: { trusted: true, engineToken: token }, trace: "verbose" });
  connection.dispose();
  await assert.rejects(asked, /disposed/);
  return lines.join("\n");
}

void test("no trace shows the token, whatever is in it", async () => {
  for (const token of ["s3cret", 'a"b', "a\\", 'a\\"b"']) {
    const quoted = JSON.stringify(token);
    const line = await traced(token);
    assert.ok(line.includes(quoted), "the trace has it as it is here");
    assert.equal(withoutToken(line), line.replaceAll(quoted, '"…"'));
  }
  const text = JSON.stringify({ text: '{"engineToken": "mine"}' });
  assert.equal(withoutToken(text), text);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { forServer } from "../src/configuration.ts";

const values = { model: "x", device: "cpu", completion: { topK: 3 }, server: { path: "y" }, trace: { server: "off" } };

void test("the server isn't told of what is the extension's own", () => {
  assert.deepEqual(forServer(values, []), { model: "x", device: "cpu", completion: { topK: 3 } });
});

void test("nor, in a workspace without trust, of what that has no say in", () => {
  const restricted = ["fillmask.model", "fillmask.device", "fillmask.server.path"];
  assert.deepEqual(forServer(values, restricted), { completion: { topK: 3 } });
});

void test("another section's answer is passed on", () => {
  for (const other of [null, undefined, "text", [1]]) assert.deepEqual(forServer(other, ["fillmask.model"]), other);
});

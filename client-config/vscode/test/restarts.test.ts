import assert from "node:assert/strict";
import { test } from "node:test";
import { Restarts } from "../src/restarts.ts";

void test("a few times within minutes, and again when it went well for long", () => {
  let now = 0;
  const restarts = new Restarts(3, 180_000, () => now);
  assert.deepEqual([1, 2, 3, 4].map(() => restarts.again()), [true, true, true, false]);
  now = 179_999;
  assert.equal(restarts.again(), false);
  now = 180_000;
  assert.equal(restarts.again(), true);
});

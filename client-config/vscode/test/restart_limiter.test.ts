import assert from "node:assert/strict";
import { test } from "node:test";
import { RestartLimiter } from "../src/restart_limiter.ts";

void test("three restarts are allowed within three minutes", () => {
  let now = 0;
  const limiter = new RestartLimiter(3, 180_000, () => now);
  assert.deepEqual([1, 2, 3, 4].map(() => limiter.tryRestart()), [true, true, true, false]);
  now = 179_999;
  assert.equal(limiter.tryRestart(), false);
  now = 180_000;
  assert.equal(limiter.tryRestart(), true);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { atMask, counted, given, selected, share, wrongHubId, wrongToken } from "../src/asking.ts";

void test("an object of a lens or a key binding is passed on, an address of a menu is not", () => {
  class Uri {
    readonly path = "/a";
  }
  assert.deepEqual(given([{ uri: "file:///a", rate: 0.3 }]), { uri: "file:///a", rate: 0.3 });
  for (const values of [[], [undefined], ["text"], [[1]], [new Uri()]]) assert.deepEqual(given(values), {});
});

void test("an empty selection is no range", () => {
  const at = (character: number) => ({ line: 2, character });
  assert.deepEqual(selected({ start: at(3), end: at(3) }), {});
  assert.deepEqual(selected({ start: at(3), end: at(5) }), { range: { start: at(3), end: at(5) } });
});

void test("the cursor is on a mask from its first bracket to behind its last", () => {
  const line = "a [MASK] b [MASK]";
  const on = Array.from({ length: line.length + 1 }, (_, column) => atMask(line, column));
  assert.deepEqual(
    on.flatMap((yes, column) => (yes ? [column] : [])),
    [2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17],
  );
  assert.equal(atMask("", 0), false);
});

void test("a share is typed as one likes", () => {
  assert.equal(share("15 %"), 0.15);
  assert.equal(share(" 15% "), 0.15);
  assert.equal(share("15"), 0.15);
  assert.equal(share("0.15"), 0.15);
  assert.equal(share(".5"), 0.5);
  assert.equal(share("0,5"), 0.5);
  assert.equal(share("0,5 %"), 0.005);
  assert.equal(share("1"), 0.01);
  assert.equal(share("100"), 1);
  for (const wrong of ["", "0", "101", "-3", "many", "1e2", "15 %%"]) assert.equal(share(wrong), undefined, wrong);
});

void test("a hub id is told from what is none", () => {
  for (const good of ["bert-base-uncased", "google-bert/bert-base-uncased", " FacebookAI/xlm-roberta-base "]) assert.equal(wrongHubId(good), undefined);
  for (const bad of ["", "two words", "a/b/c", "/etc/passwd", "../x", "https://x/y"]) assert.match(wrongHubId(bad) ?? "", /for example/);
});

void test("one is one", () => {
  assert.equal(counted(1, "edit"), "1 edit");
  assert.equal(counted(2, "edit"), "2 edits");
});

void test("a token is what can be sent, or nothing", () => {
  for (const good of ["", "  ", "hf_abcDEF123", " s3cret-t0ken~! "]) assert.equal(wrongToken(good), undefined);
  for (const wrong of ["two words", "gehëim", "a\tb", "a\u0000"]) assert.match(wrongToken(wrong) ?? "", /no spaces/);
});

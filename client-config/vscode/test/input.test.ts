import assert from "node:assert/strict";
import { test } from "node:test";
import { endsInMask, isAtMask, parseArguments, parseRate, pluralize, rangeArgument, validateHubId, validateToken } from "../src/input.ts";

void test("the object of a lens or key binding is passed on, the Uri of a menu is ignored", () => {
  class Uri {
    readonly path = "/a";
  }
  assert.deepEqual(parseArguments([{ uri: "file:///a", rate: 0.3 }]), { uri: "file:///a", rate: 0.3 });
  for (const values of [[], [undefined], ["text"], [[1]], [new Uri()]]) assert.deepEqual(parseArguments(values), {});
});

void test("an empty selection adds no range", () => {
  const position = (character: number) => ({ line: 2, character });
  assert.deepEqual(rangeArgument({ start: position(3), end: position(3) }), {});
  assert.deepEqual(rangeArgument({ start: position(3), end: position(5) }), { range: { start: position(3), end: position(5) } });
});

void test("the cursor is at a mask from before its first bracket to after its last", () => {
  const line = "a [MASK] b [MASK]";
  const atMask = Array.from({ length: line.length + 1 }, (_, column) => isAtMask(line, column));
  assert.deepEqual(
    atMask.flatMap((isAt, column) => (isAt ? [column] : [])),
    [2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17],
  );
  assert.equal(isAtMask("", 0), false);
});

void test("a rate may be a percentage or a fraction", () => {
  assert.equal(parseRate("15 %"), 0.15);
  assert.equal(parseRate(" 15% "), 0.15);
  assert.equal(parseRate("15"), 0.15);
  assert.equal(parseRate("0.15"), 0.15);
  assert.equal(parseRate(".5"), 0.5);
  assert.equal(parseRate("0,5"), 0.5);
  assert.equal(parseRate("0,5 %"), 0.005);
  assert.equal(parseRate("1"), 0.01);
  assert.equal(parseRate("100"), 1);
  for (const invalid of ["", "0", "101", "-3", "many", "1e2", "15 %%"]) assert.equal(parseRate(invalid), undefined, invalid);
});

void test("hub ids are validated", () => {
  for (const valid of ["bert-base-uncased", "google-bert/bert-base-uncased", " FacebookAI/xlm-roberta-base "]) assert.equal(validateHubId(valid), undefined);
  for (const invalid of ["", "two words", "a/b/c", "/etc/passwd", "../x", "https://x/y"]) assert.match(validateHubId(invalid) ?? "", /Not a model id/);
});

void test("a count of one is singular", () => {
  assert.equal(pluralize(1, "edit"), "1 edit");
  assert.equal(pluralize(2, "edit"), "2 edits");
});

void test("a token contains ASCII characters without spaces, or is empty", () => {
  for (const valid of ["", "  ", "hf_abcDEF123", " s3cret-t0ken~! "]) assert.equal(validateToken(valid), undefined);
  for (const invalid of ["two words", "gehëim", "a\tb", "a\u0000"]) assert.match(validateToken(invalid) ?? "", /no spaces/);
});

void test("a mask, a part of one and letters after one are recognized before the cursor", () => {
  for (const text of ["a [", "a [MA", "a [mask", "a [MASK]", "a [MASK]el"]) assert.ok(endsInMask(text), text);
  for (const text of ["", "a ", "a[0]x", "a [MASK] el", "word"]) assert.ok(!endsInMask(text), text);
});

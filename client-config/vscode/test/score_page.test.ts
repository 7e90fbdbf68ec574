import assert from "node:assert/strict";
import { test } from "node:test";
import { scorePage } from "../src/score_page.ts";

const score = { model: "a/b", pseudoLogLikelihood: -12.345, perplexity: 34.5, tokens: 7, words: [{ text: "sky", surprisal: 10 }] };

void test("the content security policy allows only the page's own style sheet", () => {
  const page = scorePage(score, "N");
  const [, policy] = /Content-Security-Policy" content="(.*?)"/.exec(page) ?? [];
  assert.equal(policy, "default-src 'none'; style-src 'nonce-N'; base-uri 'none'; form-action 'none'");
  assert.equal(page.match(/<style/g)?.length, 1);
  assert.doesNotMatch(page, /<script|style="|https?:/);
});

void test("words are escaped", () => {
  const page = scorePage({ ...score, model: "<b>", words: [{ text: `<img src=x onerror="alert('1')">&`, surprisal: 99 }] }, "N");
  assert.ok(page.includes("&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;"));
  assert.ok(page.includes("&lt;b&gt;"));
  // The bar is never wider than the cell.
  assert.ok(page.includes('width="100.0"'));
});

void test("a long table is cut, with a note", () => {
  const page = scorePage({ ...score, words: Array.from({ length: 2500 }, () => ({ text: "a", surprisal: 1 })) }, "N");
  assert.equal(page.match(/<th scope="row">/g)?.length, 2000);
  assert.match(page, /The first 2000 of 2500 words/);
});

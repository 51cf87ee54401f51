import assert from "node:assert/strict";
import { test } from "node:test";
import { endOf } from "./long_text";

test("a piece has as many characters as there are, at most so many, and fewer if they need many elements", () => {
  assert.equal(endOf("abc", 0, 2000), 3);
  assert.equal(endOf("x".repeat(5000), 2000, 2000), 4000);
  assert.equal(endOf("\u202e".repeat(5000), 0, 2000), 2000);
  assert.equal(endOf("a\u202e".repeat(5000), 0, 2000), 500);
  const text = "a\u202e".repeat(5000);
  let [end, pieces] = [0, 0];
  while (end < text.length) [end, pieces] = [endOf(text, end, 2000), pieces + 1];
  assert.equal(pieces, 20);
});

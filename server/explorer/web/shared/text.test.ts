import assert from "node:assert/strict";
import { test } from "node:test";
import { partsOf } from "./text";

const shown = (text: string) => partsOf(text).map((part) => (part.isEscaped ? `[${part.text}]` : part.text));

test("characters that are not seen, or change the direction of others, are shown by their numbers", () => {
  assert.deepEqual(shown("plain — текст 🙂\n\ttext"), ["plain — текст 🙂\n\ttext"]);
  assert.deepEqual(shown("a\u202eb\u0000c"), ["a", "[U+202E]", "b", "[U+0000]", "c"]);
  assert.deepEqual(shown("\ud83d"), ["[U+D83D]"]);
  assert.deepEqual(shown("\u{e0041}"), ["[U+E0041]"]);
  assert.deepEqual(shown(""), []);
});

test("those that follow each other are one part", () => {
  assert.deepEqual(shown("a\u202e\u2066\r\u2028b"), ["a", "[U+202E U+2066 U+000D U+2028]", "b"]);
  assert.equal(partsOf("\u202e".repeat(100_000)).length, 1);
});

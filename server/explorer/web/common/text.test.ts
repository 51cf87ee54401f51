import assert from "node:assert/strict";
import { test } from "node:test";
import { partsOf, plainOf } from "./text";

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

test("letters and symbols that nobody sees are shown by their numbers, too", () => {
  for (const hidden of ["\u3164", "\u115f", "\u2800", "\u034f", "\ufe0f", "\u180b", "\u{e0100}"]) {
    assert.equal(shown(`ad${hidden}min`).length, 3, hidden.codePointAt(0)?.toString(16));
  }
});

test("a title is one line of direction of its own, without hidden characters, and cut", () => {
  assert.equal(plainOf("a\u202eb"), "\u2068a[U+202E]b\u2069");
  assert.equal(plainOf("\u2069x"), "\u2068[U+2069]x\u2069");
  assert.equal(plainOf("🙂🙂", 3), "\u2068🙂\u2069…");
});

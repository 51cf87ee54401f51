import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../proof/bytes";
import { sentenceOf } from "./timestamp";

test("what cannot be read as a timestamp is said to be none", async () => {
  assert.match(await sentenceOf(utf8("0"), "a text\n"), /^it cannot be read: the timestamp/);
  assert.match(await sentenceOf(new Uint8Array(), "a text\n"), /^it cannot be read: the timestamp/);
});

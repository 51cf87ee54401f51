import assert from "node:assert/strict";
import { test } from "node:test";
import { meanwhileText } from "./gaps";

test("a gap says how many entries were received in it", () => {
  const text = (lastTreeSize: string, nextTreeSize?: string) => meanwhileText({ lastTreeSize, nextTreeSize });
  assert.equal(text("7", "8"), "1 more entry at the next statement");
  assert.equal(text("7", "1008"), "1,001 more entries at the next statement");
  assert.equal(text("7", "7"), "nothing was received");
  assert.equal(text("7"), "no statement since");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { WITHOUT_WHO_LOOKED } from "./who_looked";

test("what leaves out records of who looked names the sender, which no other sender can be", () => {
  assert.match(WITHOUT_WHO_LOOKED, /^-\(.*\bsender:server\)$/);
});

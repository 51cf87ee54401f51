import assert from "node:assert/strict";
import { test } from "node:test";
import { nextMost } from "./show_more";

test("each request for more shows as many again, and no more than there are", () => {
  assert.equal(nextMost(1000, 50, 50), 100);
  assert.equal(nextMost(1000, 100, 50), 200);
  assert.equal(nextMost(60, 50, 50), 60);
});

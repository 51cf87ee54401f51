import assert from "node:assert/strict";
import { test } from "node:test";
import { shownShare } from "./counted";

test("a small share is not shown as nothing, nor one of almost all as all", () => {
  assert.deepEqual(
    [0, 1, 5, 500, 995, 999, 1000].map((part) => shownShare(part, 1000)),
    ["0%", "<1%", "<1%", "50%", ">99%", ">99%", "100%"],
  );
  assert.equal(shownShare(0, 0), "0%");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { isFollowed } from "./links";

const follows = (to: string, from = "https://s/trust?a=1") => isFollowed(new URL(to, from), new URL(from));

test("pages of the explorer are followed, with their places", () => {
  for (const to of ["/", "/logs", "/trust", "?a=2", "/logs#x", "/trust#findings"]) assert.equal(follows(to), true, to);
});

test("a place on the same page is the browser's, as it moves the focus", () => {
  assert.equal(follows("#main"), false);
  assert.equal(follows("/trust?a=1#findings"), false);
});

test("other sites and other parts of the server are the browser's", () => {
  for (const to of ["https://other/", "/api/v1/logs", "/login?next=/", "/licences.txt"]) {
    assert.equal(follows(to), false, to);
  }
});

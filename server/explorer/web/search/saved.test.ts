import assert from "node:assert/strict";
import { test } from "node:test";
import { savedIn, withSaved } from "./saved";

test("a search is saved without the record that is open, and replaces one of its name", () => {
  const once = withSaved([], " denied ", new URLSearchParams("q=a&open=x&near=leaf&live=1&since=7d"));
  assert.deepEqual(once, [{ name: "denied", parameters: "q=a&since=7d" }]);
  assert.deepEqual(withSaved(once, "denied", new URLSearchParams("q=b")), [{ name: "denied", parameters: "q=b" }]);
  assert.deepEqual(withSaved(once, "  ", new URLSearchParams("q=b")), once);
});

test("what is kept is read again, and anything else is not a search", () => {
  const saved = [{ name: "a", parameters: "q=1" }];
  assert.deepEqual(savedIn(JSON.stringify(saved)), saved);
  for (const text of [null, "", "{", "{}", '[1, null, {"name": 1}]']) assert.deepEqual(savedIn(text), []);
});

test("a long name is cut between characters, not within one", () => {
  const [saved] = withSaved([], `${"x".repeat(99)}😀`, new URLSearchParams());
  assert.equal(saved?.name, "x".repeat(99));
});

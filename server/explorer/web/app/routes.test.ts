import assert from "node:assert/strict";
import test from "node:test";
import { actorPath, recordPath, routeOf, searchPath } from "./routes";

test("a record is at its log's ID, or its name with slashes, encoded or not", () => {
  const record = (log: string) => ({ page: "record", log, leaf: "7" });
  assert.deepEqual(routeOf("/r/52ee01323c348f62/7"), record("52ee01323c348f62"));
  assert.deepEqual(routeOf("/r/shop/audit/node-1/7"), record("shop/audit/node-1"));
  assert.deepEqual(routeOf(recordPath("shop/audit/node-1", "7")), record("shop/audit/node-1"));
});

test("a path without a leaf is not a record's", () => {
  for (const path of ["/r", "/r/", "/r/7", "/r//7", "/r/52ee01323c348f62/", "/r/52ee01323c348f62/x"]) {
    assert.deepEqual(routeOf(path), { page: "missing" }, path);
  }
});

test("a link into the search finds records of any age, stream and sender, unless it says otherwise", () => {
  const state = (path: string) => Object.fromEntries(new URLSearchParams(path.slice(2)));
  const all = { q: "log:a", since: "any", streams: "audit,operational,spans", access: "1" };
  assert.deepEqual(state(searchPath("log:a")), all);
  assert.deepEqual(state(searchPath("log:a", { streams: "audit", since: "24h" })), {
    ...all,
    streams: "audit",
    since: "24h",
  });
  assert.ok(!searchPath("", { access: "" }).includes("access"));
});

test("the link of every ID leads to the page of that ID, also of one that is a step in paths", () => {
  for (const id of [".", "..", "~.", "~~..", "~", "~a", "a/../b", "%2e", "...", "a b?#"]) {
    const { pathname } = new URL(actorPath(id), "http://server/");
    assert.deepEqual(routeOf(pathname), { page: "actor", id }, id);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { firstPage, mayRead, neededFor } from "./roles";

test("who reads records begins with the search, and operators with the logs", () => {
  for (const roles of [["viewer"], ["auditor"], ["admin"], ["operator", "viewer"], ["sender"]]) {
    assert.equal(firstPage(roles).page, "search", roles.join());
  }
  assert.equal(firstPage(["operator"]).page, "logs");
});

test("a page is for the roles that its calls permit", () => {
  assert.equal(mayRead("search", ["operator"]), false);
  assert.equal(mayRead("actor", ["viewer"]), false);
  assert.equal(mayRead("record", ["viewer"]), true);
  assert.equal(mayRead("trust", ["sender"]), true);
  assert.equal(mayRead("verify", ["admin"]), true);
  assert.equal(neededFor("logs"), "auditor or operator");
});

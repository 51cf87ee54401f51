import assert from "node:assert/strict";
import { test } from "node:test";
import { ownOf } from "./own";

const INHERITED = ["__proto__", "constructor", "toString", "hasOwnProperty", "__defineGetter__"];

test("a table has the names that were written into it, and none that every object inherits", () => {
  const table = { time: "Time" };
  assert.equal(ownOf(table, "time"), "Time");
  for (const name of INHERITED) assert.equal(ownOf(table, name), undefined, name);
  assert.equal(
    ownOf(JSON.parse('{"__proto__": "an attribute"}') as Record<string, string>, "__proto__"),
    "an attribute",
  );
});

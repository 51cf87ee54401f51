import assert from "node:assert/strict";
import { test } from "node:test";
import { routeOf } from "./routes";
import { titleOfPage } from "./title";

// Isolates of direction (UAX 9) are around what a sender chose.
const titled = (path: string, query?: string) => titleOfPage(routeOf(path), query).replace(/[\u2068\u2069]/g, "");

test("each page has a title of its own, with what it is about", () => {
  const paths = [
    "/",
    "/traces",
    "/trace/ab",
    "/actor/a",
    "/target/a",
    "/r/l/1",
    "/logs",
    "/logs/l",
    "/verify",
    "/trust",
  ];
  assert.equal(new Set([...paths, "/nothing"].map((path) => titled(path))).size, paths.length + 1);
  assert.equal(titled("/", "outcome:failure"), "outcome:failure · Search · Lognotary");
  assert.equal(titled("/actor/alice"), "Actor alice · Lognotary");
  assert.equal(titled("/r/shop/audit/node-1/7"), "Record shop/audit/node-1#7 · Lognotary");
});

test("what a sender chose cannot hide in a title, nor fill it", () => {
  assert.equal(titled("/actor/a%E2%80%AEb"), "Actor a[U+202E]b · Lognotary");
  assert.ok(titled(`/actor/${"x".repeat(1000)}`).length < 120);
});

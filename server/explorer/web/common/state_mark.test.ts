import assert from "node:assert/strict";
import { test } from "node:test";
import { markOf, SHAPES } from "./state_mark";

test("each state has a shape of its own, and no two differ in their line alone or are mirrored or turned", () => {
  const shapes = Object.values(SHAPES);
  assert.equal(new Set(shapes).size, shapes.length);
  for (const family of ["○◌◯⚪", "◐◑◒◓◖◗", "▢□◻☐", "✔✓☑"]) {
    assert.equal(shapes.filter((shape) => family.includes(shape)).length, 1, family);
  }
});

test("no mark states as a fact what only the server says", () => {
  const evidence = { state: "SIGNED", reason: "", isExpected: false } as unknown as Parameters<typeof markOf>[0];
  assert.match(markOf(evidence, { kind: "waiting" }).detail, /^the server says/);
});

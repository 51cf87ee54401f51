import assert from "node:assert/strict";
import { test } from "node:test";
import { SHAPES } from "./state_mark";

test("each state has a shape of its own, and no two are circles that differ in their line alone", () => {
  const shapes = Object.values(SHAPES);
  assert.equal(new Set(shapes).size, shapes.length);
  assert.equal(shapes.filter((shape) => "○◌◯⚪".includes(shape)).length, 1);
});

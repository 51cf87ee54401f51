import assert from "node:assert/strict";
import { test } from "node:test";
import { SHAPES as MARKS } from "../common/state_mark";
import { SHAPES } from "./verdict_view";

test("a verdict that no mark means has a shape that no mark has", () => {
  const shapes = Object.values(SHAPES);
  assert.equal(new Set(shapes).size, shapes.length);
  for (const own of [SHAPES.gone, SHAPES.unproved, SHAPES.waiting]) assert.ok(!Object.values(MARKS).includes(own), own);
});

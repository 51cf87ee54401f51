import assert from "node:assert/strict";
import { test } from "node:test";
import { type Bounds, differenceOf, narrowed } from "./clock";

const UNKNOWN: Bounds = { least: -Infinity, most: Infinity };

test("clocks that may agree are taken to agree, although the header has no fractions of a second", () => {
  const bounds = narrowed(UNKNOWN, 5_000, 5_950, 5_990);
  assert.ok(bounds.least <= 0 && bounds.most >= 0);
  assert.equal(differenceOf(bounds), 0);
  assert.equal(differenceOf(UNKNOWN), 0);
  assert.equal(differenceOf(narrowed(UNKNOWN, 5_000, 6_950, 6_960)), 0); // made a second before the answer
});

test("a browser that is behind, or ahead, is corrected by what is certain", () => {
  assert.equal(differenceOf(narrowed(UNKNOWN, 100_000, 9_000, 10_000)), 93_000);
  assert.equal(differenceOf(narrowed(UNKNOWN, 10_000, 100_000, 100_400)), -88_000);
});

test("further answers narrow the bounds, and a clock that was set begins anew", () => {
  const first = narrowed(UNKNOWN, 100_000, 9_000, 14_000);
  const second = narrowed(first, 101_000, 15_000, 15_100);
  assert.deepEqual(second, { least: 86_000, most: 88_000 });
  const third = narrowed(second, 101_000, 101_200, 101_300);
  assert.equal(differenceOf(third), 0);
});

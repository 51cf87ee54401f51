import assert from "node:assert/strict";
import { test } from "node:test";
import { durationOf, listStateOf } from "./list";

test("durations are written with a unit, or in milliseconds", () => {
  const wanted: [string, bigint | undefined][] = [
    ["500ms", 500_000_000n],
    ["1.5 s", 1_500_000_000n],
    ["250", 250_000_000n],
    ["3 µs", 3000n],
    ["2m", 120_000_000_000n],
    ["", undefined],
    ["soon", undefined],
    ["-1s", undefined],
  ];
  for (const [text, nanos] of wanted) assert.equal(durationOf(text), nanos, text);
});

test("without parameters, the list is of the last day", () => {
  const { since, until, errors, streams } = listStateOf(new URLSearchParams());
  assert.deepEqual([since, until, errors, streams], ["24h", "", false, ""]);
});

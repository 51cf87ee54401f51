import assert from "node:assert/strict";
import { test } from "node:test";
import type { Histogram } from "../api/types";
import { bucketAt } from "./bucket_at";
import { barsOf, groupName } from "./histogram_bars";

const ANSWER = {
  since: "2026-11-30T00:00:30Z",
  until: "2026-11-30T00:02:00Z",
  stepNanos: "60000000000",
  groups: [
    { value: "info", count: "5", isOther: false },
    { value: "error", count: "1", isOther: false },
    { value: "", count: "2", isOther: true },
  ],
  buckets: [
    { start: "2026-11-30T00:00:30Z", end: "2026-11-30T00:01:00Z", count: "3", groupCounts: ["2", "0", "1"] },
    { start: "2026-11-30T00:01:00Z", end: "2026-11-30T00:02:00Z", count: "5", groupCounts: ["3", "1", "1"] },
  ],
} as unknown as Histogram;
const MIDNIGHT = Date.parse("2026-11-30T00:00:00Z");

test("bars of a bucket that is cut to the range begin where the whole bucket would", () => {
  const bars = barsOf(ANSWER, "severity");
  assert.deepEqual(bars?.starts, [MIDNIGHT, MIDNIGHT + 60_000]);
  assert.deepEqual([bars?.since, bars?.until], [MIDNIGHT + 30_000, MIDNIGHT + 120_000]);
});

test("errors are at the top of the stack, and all others at its bottom", () => {
  const bars = barsOf(ANSWER, "severity");
  assert.deepEqual(
    bars?.groups.map(({ name }) => name),
    ["all others", "info", "error"],
  );
  assert.deepEqual(bars?.order, [2, 0, 1]);
  assert.deepEqual(bars?.groups[2]?.counts, [0, 1]);
});

test("an answer without a range has no bars", () => {
  assert.equal(barsOf({ ...ANSWER, since: undefined, buckets: [] }, "severity"), undefined);
});

test("groups without a value have a name too", () => {
  assert.equal(groupName({ value: "", isOther: false }, "outcome"), "no outcome");
  assert.equal(groupName({ value: "operational", isOther: false }, "stream"), "logs");
});

test("the bucket of a time is found, and there is none outside of the bars", () => {
  const bars = { starts: [0, 60, 120], stepMillis: 60 };
  assert.deepEqual(
    [-1, 0, 61, 179, 180].map((at) => bucketAt(bars, at)),
    [undefined, 0, 1, 2, undefined],
  );
});

test("a group with a name that every object inherits is one like any other", () => {
  const groups = ["constructor", "error", "__proto__"].map((value) => ({ value, count: "1", isOther: false }));
  const bars = barsOf({ ...ANSWER, groups }, "severity");
  assert.deepEqual(bars?.order, [0, 2, 1]);
  assert.ok(bars?.groups.every(({ colour }) => colour.startsWith("--")));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Histogram } from "../api/types";
import { outcomeColumns } from "./columns";

const group = (value: string) => ({ value, isOther: false, count: "0" });

test("counts of groups go to their outcomes, and events without a known one to unknown", () => {
  const histogram = {
    groups: [group("success"), group("failure"), group(""), group("odd")],
    buckets: [
      { start: "2026-11-30T12:00:00Z", end: "2026-11-30T13:00:00Z", count: "10", groupCounts: ["5", "2", "2", "1"] },
      { start: "2026-11-30T13:00:00Z", end: "2026-11-30T14:00:00Z", count: "0", groupCounts: ["0", "0", "0", "0"] },
    ],
  } as unknown as Histogram;
  const { columns, most } = outcomeColumns(histogram);
  assert.equal(most, 10);
  assert.deepEqual(columns[0], {
    since: "2026-11-30T12:00:00Z",
    until: "2026-11-30T13:00:00Z",
    count: 10,
    success: 5,
    failure: 2,
    unknown: 3,
  });
});

test("a histogram without events has a scale nevertheless", () => {
  assert.equal(outcomeColumns({ groups: [], buckets: [] } as unknown as Histogram).most, 1);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { lengthOf, timeOf } from "./age";

const NOW = 1_800_000_000_000_000_000n; // 2027-01-15T08:00:00Z

test("an age is a number of seconds, minutes, hours, days or weeks, and more than nothing", () => {
  assert.equal(lengthOf(" 90m "), 5400_000_000_000n);
  assert.deepEqual(["30s", "1h", "2d", "1w"].map(lengthOf), [
    30_000_000_000n,
    3600_000_000_000n,
    172_800_000_000_000n,
    604_800_000_000_000n,
  ]);
  for (const text of ["", "0m", "-5m", "5", "5y", "1.5h", "1234567s"]) assert.equal(lengthOf(text), undefined, text);
});

test("an age counts back from now, and every other text is left as it is", () => {
  assert.equal(timeOf("30s", NOW), "2027-01-15T07:59:30Z");
  assert.equal(timeOf("tomorrow", NOW), "tomorrow");
  assert.equal(timeOf(" ", NOW), undefined);
});

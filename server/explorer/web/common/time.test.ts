import assert from "node:assert/strict";
import { test } from "node:test";
import { nanosIn, nanosOf, textOf } from "./time";

test("a time in RFC 3339 has nanoseconds since 1970, which lead back to its text in UTC", () => {
  for (const text of ["2026-03-03T10:00:00Z", "2024-02-29T23:59:59.123456789Z", "1969-12-31T23:59:59.500Z"]) {
    assert.equal(textOf(nanosOf(text)), text);
  }
  assert.equal(textOf(nanosOf("2026-03-03T10:00:00.120000+01:30")), "2026-03-03T08:30:00.120Z");
});

test("a day that a month does not have, and an hour that a day does not have, are not times", () => {
  for (const text of [
    "2026-02-31T10:00:00Z",
    "2026-02-29T10:00:00+01:00",
    "2026-03-03T24:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-03-03T10:00:00+24:00",
    "2026-03-03",
    "",
  ]) {
    assert.equal(nanosIn(text), undefined, text);
    assert.throws(() => nanosOf(text), RangeError);
  }
});

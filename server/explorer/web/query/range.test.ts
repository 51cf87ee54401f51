import assert from "node:assert/strict";
import { test } from "node:test";
import { fromLocalText, lengthOf, localText, rangeName, rangeOf, zoomedOut } from "./range";

const NOW = 1_800_000_000_000_000_000n; // 2027-01-15T08:00:00Z

test("relative ranges end now, to the nanosecond", () => {
  assert.deepEqual(rangeOf("90m", "", NOW), { since: "2027-01-15T06:30:00Z", until: "2027-01-15T08:00:00Z" });
  assert.deepEqual(rangeOf("1s", "", NOW + 5n).until, "2027-01-15T08:00:00.000000005Z");
});

test("absolute and open ends are kept", () => {
  const since = "2026-11-30T12:00:00.5Z";
  assert.deepEqual(rangeOf(since, "2026-12-01T00:00:00Z", NOW), {
    since: "2026-11-30T12:00:00.500Z",
    until: "2026-12-01T00:00:00Z",
  });
  assert.deepEqual(rangeOf("any", "any", NOW), { since: undefined, until: undefined });
  assert.deepEqual(rangeOf("1h", "2026-12-01T00:00:00Z", NOW).since, "2026-11-30T23:00:00Z");
});

test("a range that is none is refused in words", () => {
  assert.throws(() => rangeOf("soon", "", NOW), /soon is not a range of time: write one such as 90m/);
  assert.throws(() => rangeOf("2027-02-01T00:00:00Z", "", NOW), /ends before it begins/);
  assert.equal(lengthOf("0m"), undefined);
  assert.equal(lengthOf("-5m"), undefined);
});

test("names of ranges say how long, or from when to when", () => {
  assert.equal(rangeName("15m", "", "utc"), "last 15 minutes");
  assert.equal(rangeName("1h", "", "utc"), "last hour");
  assert.equal(rangeName("any", "", "utc"), "the first record to now");
  assert.equal(
    rangeName("2026-11-30T12:00:00Z", "2026-11-30T13:00:00Z", "utc"),
    "2026-11-30 12:00:00 to 2026-11-30 13:00:00",
  );
});

test("zooming out doubles a range; one that would end in the future ends now", () => {
  assert.deepEqual(zoomedOut("15m", "", NOW), { since: "30m", until: "" });
  assert.deepEqual(zoomedOut("12h", "", NOW), { since: "1d", until: "" });
  assert.deepEqual(zoomedOut("2027-01-15T04:00:00Z", "2027-01-15T06:00:00Z", NOW), {
    since: "2027-01-15T03:00:00Z",
    until: "2027-01-15T07:00:00Z",
  });
  assert.deepEqual(zoomedOut("2027-01-15T04:00:00Z", "2027-01-15T08:00:00Z", NOW).until, "");
  assert.deepEqual(zoomedOut("any", "", NOW), { since: "any", until: "" });
});

test("times of forms are in the zone of the reader", () => {
  assert.equal(fromLocalText("2026-11-30T12:00", "utc"), "2026-11-30T12:00:00Z");
  assert.equal(localText(NOW, "utc"), "2027-01-15T08:00:00");
  const local = fromLocalText(localText(NOW, "local"), "local");
  assert.equal(local, "2027-01-15T08:00:00Z");
  assert.equal(fromLocalText("noon", "utc"), undefined);
});

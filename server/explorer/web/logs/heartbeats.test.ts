import assert from "node:assert/strict";
import { test } from "node:test";
import { isLate } from "./heartbeats";

const at = (...seconds: number[]) => seconds.map((each) => BigInt(each) * 1_000_000_000n);
const [NOW = 0n] = at(100_000);

test("a heartbeat is late after three times the usual time, whatever that is", () => {
  assert.ok(!isLate(at(98_300, 97_700, 97_100), NOW));
  assert.ok(isLate(at(98_100, 97_500, 96_900), NOW));
  assert.ok(!isLate(at(80_000, 72_800, 65_600), NOW));
});

test("one long pause does not change the usual time", () => {
  assert.ok(isLate(at(97_000, 96_400, 95_800, 10_000), NOW));
});

test("no heartbeat is late within a minute, and few are after half an hour", () => {
  assert.ok(!isLate(at(99_945, 99_944, 99_943), NOW));
  assert.ok(!isLate(at(98_300), NOW));
  assert.ok(isLate(at(98_100, 98_000), NOW));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { comparedText, ownOf } from "./compared";
import type { KeptCheckpoint } from "./witness";

const [FIRST, NOW] = ["2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"];

const kept = (more: Partial<KeptCheckpoint> = {}): KeptCheckpoint => ({
  logId: "0123456789abcdef",
  origin: "shop/audit/a",
  note: "",
  keys: [],
  since: FIRST,
  at: NOW,
  reader: "alice",
  ...more,
});

test("a log is said to have only grown if the last look compared it", () => {
  const look = { at: NOW, problems: new Map() };
  assert.equal(comparedText(kept(), look), "has only grown");
  assert.equal(comparedText(kept({ since: NOW }), look), "first seen now");
});

test("a log that nobody compared for this reader is not said to have grown", () => {
  assert.match(comparedText(kept(), undefined), /^not compared since 2026-01-02 00:00/);
  assert.match(comparedText(kept({ at: FIRST }), { at: NOW, problems: new Map() }), /^not compared since 2026-01-01/);
  assert.match(comparedText(kept(), { at: "", problems: new Map() }), /^not compared/);
});

test("a problem of the log, or of the whole list, is told instead", () => {
  assert.equal(comparedText(kept(), { at: NOW, problems: new Map([["shop/audit/a", "forked"]]) }), "forked");
  assert.equal(comparedText(kept(), { at: NOW, problems: new Map([["", "no list"]]) }), "no list");
});

test("what another reader saw is only counted", () => {
  const [own, other] = [kept(), kept({ reader: "bob" })];
  assert.deepEqual(ownOf([own, other], "alice"), { own: [own], others: 1 });
});

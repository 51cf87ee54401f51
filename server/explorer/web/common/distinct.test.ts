import assert from "node:assert/strict";
import { test } from "node:test";
import type { TimelineEntry } from "../api/types";
import { verdictOf } from "../trust/entries";
import { distinct } from "./distinct";
import { type Entry, entryOf } from "./entry";
import { markOf } from "./state_mark";

const LOG = "52ee01323c348f62";

function row(leaf: string, state = "VERIFIED", hash = "aa"): Entry {
  const evidence = { logId: LOG, leafIndex: leaf, recordHash: hash, state, reason: "" };
  return entryOf({ timestamp: "2026-11-30T16:00:00Z", auditEvent: { evidence } } as unknown as TimelineEntry);
}

const repeated = (entries: readonly Entry[]) => entries.map(({ isRepeated }) => isRepeated === true);

test("copies of a row have keys of their own, also on a later page", () => {
  const other = row("70");
  const first = distinct([], [row("7"), row("7")]);
  const more = distinct(first, [row("7"), other]);
  const keys = [...first, ...more].map(({ key }) => key);
  assert.equal(new Set(keys).size, 4);
  assert.ok(keys.slice(0, 3).every((key) => key.startsWith(`${LOG}#7#`)));
  assert.equal(more[1], other);
});

test("a signed record is one record, however often and on however many pages the server lists it", () => {
  const first = distinct([], [row("7"), row("7"), row("8"), row("7", "SIGNED")]);
  assert.deepEqual(repeated(first), [false, true, false, true]);
  assert.deepEqual(repeated(distinct(first, [row("8"), row("9")])), [true, false]);
});

test("a row that the server itself does not call signed gives no reason to doubt the signed one", () => {
  const entries = distinct([], [row("7", "TAMPERED"), row("7"), row("7", "UNSIGNED"), row("7", "VERIFIED", "bb")]);
  assert.deepEqual(repeated(entries), [false, false, false, false]);
  assert.deepEqual(repeated(distinct(entries, [row("7")])), [true]);
  const inNoLog = { ...row(""), evidence: undefined };
  assert.deepEqual(repeated(distinct([], [inNoLog, inNoLog])), [false, false]);
});

test("a repeated row is refuted before anything of it is checked", () => {
  const [, copy] = distinct([], [row("7"), row("7")]) as [Entry, Entry];
  const verdict = verdictOf(copy).peek();
  assert.equal(verdict.kind === "refuted" && verdict.finding, "shown twice");
  assert.equal(markOf(copy, verdict).kind, "tampered");
});

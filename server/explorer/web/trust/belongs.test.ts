import assert from "node:assert/strict";
import test from "node:test";
import type { LogRecord, TimelineEntry } from "../api/types";
import { type Entry, entryOf } from "../common/entry";
import { MISPLACED, type Place, SHARED, type Shared, sharedValues, verdictAt, whyMisplaced } from "./belongs";

function event(audit: Partial<NonNullable<LogRecord["audit"]>>, more: Partial<LogRecord> = {}): Entry {
  const evidence = { logId: "aa", origin: "shop/audit/a", leafIndex: "5", recordHash: "00" };
  const record = { traceId: "t1", serviceName: "", evidence, audit, ...more } as unknown as LogRecord;
  return entryOf({ timestamp: "2026-11-30T16:00:00Z", auditEvent: record } as TimelineEntry);
}

const bob = event({ actorId: "bob", targetId: "1047" });
const alice: Place = { kind: "actor", id: "alice" };

test("an event is of its actor, of whom the actor acted for, and of nobody else", () => {
  assert.equal(whyMisplaced(event({ actorId: "alice" }), alice), undefined);
  assert.equal(whyMisplaced(event({ actorId: "bob", effectiveActorId: "alice" }), alice), undefined);
  assert.match(whyMisplaced(bob, alice) ?? "", /alice neither as its actor/);
  assert.match(whyMisplaced(event({ targetId: "alice" }), alice) ?? "", /neither/);
});

test("an event is of its target alone", () => {
  assert.equal(whyMisplaced(bob, { kind: "target", id: "1047" }), undefined);
  assert.match(whyMisplaced(bob, { kind: "target", id: "104" }) ?? "", /not its target/);
});

test("an ID of nothing is not that of events without an actor or a target", () => {
  assert.notEqual(
    whyMisplaced(entryOf({ timestamp: "2026-11-30T16:00:00Z", log: {} } as TimelineEntry), alice),
    undefined,
  );
});

test("an entry is of its trace alone", () => {
  assert.equal(whyMisplaced(bob, { kind: "trace", id: "t1" }), undefined);
  assert.match(whyMisplaced(bob, { kind: "trace", id: "t2" }) ?? "", /the trace t1/);
  assert.match(whyMisplaced(event({}, { traceId: "" }), { kind: "trace", id: "t2" }) ?? "", /no trace/);
});

test("an entry is of its log, and of its leaf there", () => {
  assert.equal(whyMisplaced(bob, { kind: "log", id: "aa" }), undefined);
  assert.equal(whyMisplaced(bob, { kind: "log", id: "aa", leaf: "5" }), undefined);
  assert.match(whyMisplaced(bob, { kind: "log", id: "bb" }) ?? "", /another log, shop\/audit\/a/);
  assert.match(whyMisplaced(bob, { kind: "log", id: "aa", leaf: "6" }) ?? "", /leaf 5 of the log, and not leaf 6/);
});

test("a genuine record on a page that it is not of is refuted there, and keeps its verdict elsewhere", () => {
  const checked = { kind: "checked", key: "k" } as const;
  const there = verdictAt(bob, alice, checked);
  assert.equal(there.kind === "refuted" && there.finding, MISPLACED);
  assert.equal(verdictAt(bob, { kind: "actor", id: "bob" }, checked), checked);
  assert.equal(verdictAt(bob, undefined, checked), checked);
});

test("neighbours by a property have the same value of it, and not one that the server gives for it", () => {
  const shared = (by: Shared, id: string): Place => ({ kind: "shared", by, id });
  const own = { actorId: "bob", targetId: "1047", sessionId: "s", sourceId: "203.0.113.7", sourceHost: "till" };
  const more = { serviceName: "shop", resourceAttributes: { "host.name": "node-1" } };
  const entry = event({ ...own, effectiveActorId: "alice" }, more);
  for (const by of SHARED) {
    for (const value of sharedValues(entry, by)) assert.equal(whyMisplaced(entry, shared(by, value)), undefined);
    assert.match(whyMisplaced(entry, shared(by, "alice")) ?? "", new RegExp(`its ${by} is not alice`));
    assert.notEqual(whyMisplaced(entry, shared(by, "")), undefined, by);
  }
  assert.deepEqual(sharedValues(entry, "host"), ["till", "node-1"]);
  const repeatedAttributes = [{ place: "resource", key: "host.name", values: ["node-0", "node-1"] }];
  assert.deepEqual(sharedValues(event({}, { ...more, repeatedAttributes }), "host"), ["node-0", "node-1"]);
});

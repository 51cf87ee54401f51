import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuditOverview, LogRecord } from "../api/types";
import { auditEntryOf, type Entry } from "../common/entry";
import { fieldsWithUnknownFirsts, firstMarks, wordsOf } from "./first_marks";
import { rowsOf } from "./rows";

let leaf = 0;

function event(second: number, audit: Record<string, string>): Entry {
  leaf += 1;
  return auditEntryOf({
    timestamp: `2026-11-30T12:00:${String(second).padStart(2, "0")}.000000001Z`,
    serviceName: "accounts",
    traceId: "",
    audit: { sourceId: "", action: "", sessionId: "", targetId: "", actorId: "bob", ...audit },
    evidence: { logId: "cd", leafIndex: String(leaf), recordHash: "00" },
  } as unknown as LogRecord);
}

function overview(field: string, values: [string, number][], valueCount = values.length): AuditOverview {
  const summaries = values.map(([value, second]) => ({
    value,
    count: "1",
    firstSeen: `2026-11-30T12:00:${String(second).padStart(2, "0")}.000000001Z`,
  }));
  return {
    eventCount: "9",
    implausibleTimeCount: "0",
    fields: [{ field, valueCount: String(valueCount), values: summaries }],
  };
}

test("an event at the first time of its source is marked, and a later one from there is not", () => {
  const [first, later] = [event(1, { sourceId: "203.0.113.7" }), event(2, { sourceId: "203.0.113.7" })];
  const marks = firstMarks([later, first], overview("source", [["203.0.113.7", 1]]), "actor", false);
  assert.deepEqual(marks.get(first.key), [{ field: "source", value: "203.0.113.7" }]);
  assert.equal(marks.get(later.key), undefined);
});

test("a value that the overview does not list is marked only if all events are known", () => {
  const entries = [event(5, { sourceId: "b" }), event(3, { sourceId: "b" })];
  const known = overview("source", [["a", 1]], 30);
  assert.equal(firstMarks(entries, known, "actor", false).size, 0);
  const marks = firstMarks(entries, known, "actor", true);
  assert.deepEqual([...marks.keys()], [entries[1]?.key]);
  assert.deepEqual(fieldsWithUnknownFirsts(known, "actor"), ["source"]);
});

test("an overview whose first time is not among the events wins over the events of a narrower view", () => {
  const entry = event(5, { sourceId: "a" });
  assert.equal(firstMarks([entry], overview("source", [["a", 1]]), "actor", true).size, 0);
});

test("events on a target are marked by their actors", () => {
  const entry = event(1, { actorId: "eve", targetId: "7" });
  const marks = firstMarks([entry], undefined, "target", true);
  assert.deepEqual(marks.get(entry.key), [{ field: "actor", value: "eve" }]);
  assert.equal(wordsOf(marks.get(entry.key) ?? []), "first time by eve");
});

test("each run of events of a session has a heading, in the order of time", () => {
  const entries = ["s1", "s1", "s2", "", "s1"].map((sessionId, index) => event(index, { sessionId }));
  const rows = rowsOf(entries, overview("session", [["s2", 2]]), true);
  assert.deepEqual(
    rows.map((row) => (row.kind === "session" ? `[${row.session}]` : "event")),
    ["[s1]", "event", "event", "[s2]", "event", "[]", "event", "[s1]", "event"],
  );
  assert.equal(rows[3]?.kind === "session" && rows[3].summary?.value, "s2");
  assert.equal(rowsOf(entries, undefined, false).length, 5);
});

test("events without sessions have no headings", () => {
  assert.equal(rowsOf([event(1, {}), event(2, {})], undefined, true).length, 2);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogRecord, Span } from "../api/types";
import { entryOf } from "../common/entry";
import { columnsIn, firstLineOf, oneLine, textIn } from "./columns";

const RECORD = {
  body: "a\n  b",
  serviceName: "shop",
  severityNumber: 17,
  traceId: "",
  logAttributes: { "http.method": "GET", constructor: "own" },
  resourceAttributes: { "http.method": "resource", "host.name": "node-1" },
  scopeAttributes: {},
  audit: { actorId: "alice", action: "role.grant", targetId: "bob", targetType: "user", outcome: "failure" },
} as unknown as LogRecord;
const entry = entryOf({ timestamp: "2026-11-30T00:00:00Z", auditEvent: RECORD });

test("the message of an audit record says who did what, and that it failed", () => {
  assert.equal(textIn(entry, "message"), "alice role.grant on user bob – failure");
});

test("fields and attributes are columns by the names of queries", () => {
  assert.equal(textIn(entry, "severity"), "ERROR");
  assert.equal(textIn(entry, "actor"), "alice");
  assert.equal(textIn(entry, "TargetType"), "user");
  assert.equal(textIn(entry, "LogAttributes.http.method"), "GET");
  assert.equal(textIn(entry, "ResourceAttributes.http.method"), "resource");
});

test("a key alone is an attribute of the record, or else of its resource, and never of the page's own objects", () => {
  assert.equal(textIn(entry, "http.method"), "GET");
  assert.equal(textIn(entry, "host.name"), "node-1");
  assert.equal(textIn(entry, "constructor"), "own");
  assert.equal(textIn(entry, "toString"), "");
});

test("a value is one line of some hundred characters, however long it is", () => {
  assert.equal(oneLine("a\n  b\tc"), "a b c");
  assert.equal(oneLine("x".repeat(1_500_000)).length, 401);
  assert.equal(oneLine(`${"x".repeat(399)}😀`), `${"x".repeat(399)}…`);
});

test("the case of a field's name does not matter, neither for records nor for spans; that of an attribute does", () => {
  const span = {
    serviceName: "shop",
    traceId: "",
    spanId: "ab",
    name: "pay",
    kind: "server",
    durationNanos: "2000000",
  };
  const attributes = { resourceAttributes: {}, scopeAttributes: {}, attributes: { Paid: "yes" } };
  const pay = entryOf({ timestamp: "2026-11-30T00:00:00Z", span: { ...span, ...attributes } as unknown as Span });
  assert.equal(textIn(pay, "Duration"), "2 ms");
  assert.equal(textIn(pay, "KIND"), "server");
  assert.equal(textIn(pay, "Paid"), "yes");
  assert.equal(textIn(pay, "paid"), "");
  assert.equal(textIn(entry, "Actor"), "alice");
});

test("a column is named once, and those with a meaning of their own have it in every case of letters", () => {
  assert.deepEqual(columnsIn("Time,time,Paid,,LogAttributes.A"), ["time", "Paid", "LogAttributes.A"]);
  assert.deepEqual(columnsIn(""), []);
});

test("a message over several lines begins with its first line, and says how many follow", () => {
  const trace = entryOf({
    timestamp: "2026-11-30T00:00:00Z",
    log: { ...RECORD, audit: undefined, body: "\nA: b\n  at c\n  at d\n" },
  });
  assert.deepEqual(firstLineOf(trace), { line: "A: b", others: 2 });
  assert.deepEqual(firstLineOf(entry), { line: "alice role.grant on user bob – failure", others: 0 });
});

import assert from "node:assert/strict";
import test from "node:test";
import type { LogRecord, Span, TimelineEntry } from "../api/types";
import { entryOf } from "../common/entry";
import { hexOf } from "../proof/bytes";
import type { Checked } from "./check";
import { differenceFromProof } from "./same_record";

const HASH = new Uint8Array(32).fill(7);
const LOG = "shop/audit/a";
const wanted = { logId: "0123456789abcdef", leaf: "5" };
const proved = {
  record: { stream: "audit", columns: new Map() },
  entry: HASH,
  checkpoint: { origin: LOG },
} as unknown as Checked;
const EVIDENCE = { logId: wanted.logId, origin: LOG, leafIndex: "5", recordHash: hexOf(HASH), state: "VERIFIED" };
const MESSAGE = { timestamp: "1970-01-01T00:00:00Z", traceId: "", serviceName: "" };

function row(kind: "auditEvent" | "log" | "span", evidence: Partial<typeof EVIDENCE> | undefined = {}) {
  const message = { ...MESSAGE, ...{ otlpDetails: "", attributes: {}, logAttributes: {} } };
  const own = { ...message, evidence: evidence && { ...EVIDENCE, ...evidence } } as unknown as LogRecord & Span;
  return entryOf({ timestamp: MESSAGE.timestamp, [kind]: own } as TimelineEntry);
}

test("a row of another stream than the signed record is none of it, although no field that it has differs", () => {
  for (const kind of ["log", "span"] as const)
    assert.equal(differenceFromProof(row(kind), proved, wanted), "its stream");
});

test("a row of another log, leaf or hash than the proof's is not what was proved", () => {
  const differences = (
    [
      [{ logId: "f".repeat(16) }, "its log"],
      [{ origin: "prod/audit/a" }, "its log"],
      [{ leafIndex: "6" }, "its leaf"],
      [{ leafIndex: "05" }, "its leaf"],
      [{ recordHash: "00".repeat(32) }, "the hash of the record"],
    ] as const
  ).map(([evidence, expected]) => [differenceFromProof(row("auditEvent", evidence), proved, wanted), expected]);
  for (const [found, expected] of differences) assert.equal(found, expected);
});

test("a row without evidence is not what was proved", () => {
  const { evidence: _, ...entry } = row("auditEvent");
  assert.equal(differenceFromProof({ ...entry, evidence: undefined }, proved, wanted), "its log");
});

test("a row of the log, leaf and hash of the proof is compared field by field", () => {
  const found = differenceFromProof(row("auditEvent"), proved, wanted);
  assert.notEqual(found, undefined); // the signed record of this test has no times
  assert.equal(found, "timestamp");
});

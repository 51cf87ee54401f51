import assert from "node:assert/strict";
import { test } from "node:test";
import type { Finding, VerifyStep, VerifySummary } from "../api/types";
import { MOST_FINDINGS, NOTHING_YET, paceOf, shareOf, withSteps } from "./run";
import { limitsOf, verdictOn } from "./verdict";

const progress = (origin: string, batches: number, records: number, checkpoint = ""): VerifyStep =>
  ({
    progress: { origin, batches: String(batches), records: String(records), totalRecords: "100", checkpoint },
  }) as VerifyStep;

const finding = (isKnown = false): VerifyStep =>
  ({
    finding: {
      kind: "RECORD_CHANGED",
      ...(isKnown ? { acknowledgement: { reason: "r", signedBy: "k" } } : {}),
    } as Finding,
  }) as VerifyStep;

const summary = (fields: Partial<VerifySummary>): VerifySummary => ({
  logs: "2",
  batches: "3",
  records: "1000",
  findings: "0",
  statements: "4",
  expiredRecords: "0",
  nothingVerified: false,
  acknowledged: "0",
  entries: [],
  resumedEntries: "0",
  mismatchedRecords: "0",
  unreadLogs: [],
  skippedChecks: [],
  logsWithoutCheckpoint: [],
  unsignedStreams: [],
  lookups: "0",
  ...fields,
});

test("what is added between two messages belongs to the log that the later one names", () => {
  const run = withSteps(NOTHING_YET, [progress("a", 1, 10), progress("a", 3, 40, "note"), progress("b", 4, 100)]);
  assert.deepEqual(run.logs.get("a"), { records: 40, batches: 3, checkpoint: "note" });
  assert.deepEqual(run.logs.get("b"), { records: 60, batches: 1, checkpoint: "" });
  assert.equal(shareOf(withSteps(NOTHING_YET, [progress("a", 1, 25)])), 0.25);
  assert.equal(shareOf(NOTHING_YET), 0);
});

test("findings beyond those that are shown are counted, and acknowledged ones apart", () => {
  const many = Array.from({ length: MOST_FINDINGS + 7 }, (_, index) => finding(index < 3));
  const run = withSteps(NOTHING_YET, many);
  assert.equal(run.findings.length, MOST_FINDINGS);
  assert.deepEqual([run.findingCount, run.acknowledgedCount], [MOST_FINDINGS + 7, 3]);
});

test("the pace is what was read in the time, and the rest at the same rate", () => {
  const run = withSteps(NOTHING_YET, [progress("a", 1, 25)]);
  assert.equal(paceOf(run, 0.5), "50 records per second, 0:02 left");
  assert.equal(paceOf(run, 25 * 60), "0 records per second, 1:15:00 left");
  assert.equal(paceOf(NOTHING_YET, 5), "");
});

test("a verification without findings says what it verified", () => {
  assert.deepEqual(verdictOn(summary({ lookups: "8", expiredRecords: "1" })), {
    kind: "good",
    text: "1,000 records in 3 batches of 2 logs (1 of the records have expired or were dropped) verified: all signatures are valid, all records match what was signed; 8 lookups replayed",
  });
});

test("a verification of nothing is not a success", () => {
  const none = verdictOn(summary({ logs: "0", records: "0", nothingVerified: true }));
  assert.equal(none.kind, "bad");
  assert.match(none.text, /^nothing was verified: there is no log in storage\. Storage that was emptied/);
  assert.match(
    verdictOn(summary({ nothingVerified: true })).text,
    /nothing was received in the range of time \(around/,
  );
  assert.equal(verdictOn(summary({ nothingVerified: true, findings: "1", acknowledged: "1" })).kind, "bad");
});

test("findings that are all acknowledged are told apart from new ones", () => {
  assert.equal(verdictOn(summary({ findings: "2", acknowledged: "2" })).kind, "known");
  const mixed = verdictOn(summary({ findings: "2", acknowledged: "1", mismatchedRecords: "1" }));
  assert.deepEqual(mixed, {
    kind: "bad",
    text: "2 findings (1 acknowledged); verified 999 of 1,000 records in 3 batches of 2 logs",
  });
});

test("what was left out is said before the verdict", () => {
  const lines = limitsOf(
    summary({
      entries: [{ origin: "o", firstLeaf: "5", endLeaf: "5" }],
      unreadLogs: ["x"],
      skippedChecks: [{ check: "mutations", grant: "SELECT ON system.mutations", reason: "" }],
      logsWithoutCheckpoint: ["o"],
      unsignedStreams: ["spans"],
    }),
  );
  assert.deepEqual(
    lines.map(({ kind }) => kind),
    ["note", "bad", "warning", "warning", "note"],
  );
  assert.equal(lines[0]?.text, "o: no entry read, from entry 5 on");
  assert.equal(lines[2]?.text, "not checked, mutations: SELECT ON system.mutations");
});

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { LogRecord } from "../api/types";
import { type Entry, entryOf } from "../common/entry";
import { EMPTY_FEED, follow, resumed, signedWithin, type TailStep, waitAfter, withEntries } from "./tail";

const original = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = original;
});

function record(leaf: number): Entry {
  const evidence = { logId: "0123456789abcdef", leafIndex: String(leaf), recordHash: "aabbccdd", state: "VERIFIED" };
  const message = {
    serviceName: "",
    traceId: "",
    evidence,
    ingestedAt: "2026-11-30T00:00:01Z",
  } as unknown as LogRecord;
  return entryOf({ timestamp: "2026-11-30T00:00:00Z", log: message });
}
const leaves = (entries: readonly Entry[]) => entries.map(({ evidence }) => Number(evidence?.leafIndex));

test("the latest record is at the top, and each is shown once", () => {
  const first = withEntries(EMPTY_FEED, [record(1), record(2)], false);
  assert.deepEqual(leaves(withEntries(first, [record(2), record(3)], false).shown), [3, 2, 1]);
});

test("records that come in a pause wait, and are shown afterwards", () => {
  const paused = withEntries(withEntries(EMPTY_FEED, [record(1)], false), [record(2), record(3)], true);
  assert.deepEqual([leaves(paused.shown), leaves(paused.waiting)], [[1], [3, 2]]);
  assert.deepEqual(leaves(resumed(paused).shown), [3, 2, 1]);
});

test("no more records are kept than the page can have, and those never shown are counted", () => {
  const entries = [1, 2, 3, 4, 5].map(record);
  assert.deepEqual(leaves(withEntries(EMPTY_FEED, entries, false, 3).shown), [5, 4, 3]);
  const paused = withEntries(EMPTY_FEED, entries, true, 3);
  assert.deepEqual([leaves(paused.waiting), paused.dropped], [[5, 4, 3], 2]);
});

test("a record was signed within the time from its receipt to its arrival", () => {
  const receipt = 1_795_996_801_000_000_000n;
  assert.equal(signedWithin(record(1), receipt + 300_000_000n), 300_000_000n);
  assert.equal(signedWithin(record(1), receipt - 1n), undefined);
});

test("a lost connection is made again from the last cursor on", async () => {
  const asked: string[] = [];
  const answers = [
    '{"cursor":"one","entries":[],"missed":[],"behind":"0"}\n',
    '{"cursor":"two","entries":[],"missed":[{"origin":"shop","firstLeaf":"3","endLeaf":"5","reason":"NOT_STORED"}],"behind":"2"}\n',
  ];
  const controller = new AbortController();
  globalThis.fetch = async (path) => {
    asked.push(String(path));
    return new Response(answers[asked.length - 1] ?? "");
  };
  const steps: TailStep[] = [];
  const waits: number[] = [];
  const wait = async (seconds: number) => {
    waits.push(seconds);
    if (waits.length === 2) controller.abort();
  };
  for await (const step of follow("a b", ["audit"], controller.signal, wait)) steps.push(step);
  assert.deepEqual(asked, [
    "/api/v1/tail?query=a+b&streams=audit&include_proofs=true",
    "/api/v1/tail?query=a+b&streams=audit&cursor=one&include_proofs=true",
  ]);
  assert.deepEqual(
    steps.map(({ kind }) => kind),
    ["connected", "records", "lost", "connected", "records", "lost"],
  );
  assert.deepEqual(steps[4], {
    kind: "records",
    entries: [],
    missed: [{ origin: "shop", first: "3", end: "5", wereDeleted: true }],
    behind: 2,
    isLate: true,
  });
  assert.deepEqual(
    steps.map((step) => step.kind === "records" && step.isLate),
    [false, false, false, false, true, false],
  );
  assert.deepEqual(waits, [1, 1]);
});

test("a query that the server refuses is not asked again", async () => {
  globalThis.fetch = async () =>
    new Response('{"code":"INVALID_ARGUMENT","message":"query: column 1: no"}', { status: 400 });
  await assert.rejects(async () => {
    for await (const _ of follow("(", [], new AbortController().signal)) assert.fail();
  }, /column 1: no/);
});

test("attempts that fail one after the other wait longer, up to a quarter of a minute", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 9].map(waitAfter), [1, 2, 4, 8, 15, 15]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogRecord } from "../api/types";
import { entryOf } from "../common/entry";
import { areFresh, groupMarks, type Mark, markOfGap, markOfRecord } from "./marks";

function own(values: object) {
  const evidence = { logId: "0123456789abcdef", leafIndex: "7", recordHash: "aabbccdd" };
  const record = { serviceName: "", traceId: "", body: "", eventName: "lognotary.access", evidence, ...values };
  return entryOf({ timestamp: "2026-11-30T00:00:00Z", auditEvent: record as unknown as LogRecord });
}
const mark = (from: bigint): Mark => ({ kind: "start", from, until: from, text: "" });

test("the server's own records are findings, changes of keys, or starts", () => {
  const kinds = [
    own({ eventName: "lognotary.verification.finding", body: "a record is missing" }),
    own({ audit: { action: "key.rotate" } }),
    own({ audit: { action: "settings.start", targetId: "node-1" } }),
  ].flatMap(markOfRecord);
  assert.deepEqual(
    kinds.map(({ kind }) => kind),
    ["finding", "key change", "start"],
  );
  assert.equal(kinds[0]?.text, "a record is missing");
  assert.equal(kinds[2]?.place, "0123456789abcdef#7");
});

test("a gap that lasts goes on until the end of the range, and is none without any end", () => {
  const gap = { origin: "shop", since: "2026-11-30T00:00:00Z" };
  assert.deepEqual(markOfGap(gap, undefined), []);
  assert.match(markOfGap(gap, "2026-11-30T00:01:00Z")[0]?.text ?? "", /which lasts/);
  const [mark] = markOfGap({ ...gap, until: "2026-11-30T00:00:30Z" }, "2026-11-30T00:01:00Z");
  assert.equal((mark?.until ?? 0n) - (mark?.from ?? 0n), 30_000_000_000n);
});

test("marks that would be over each other are one, and those outside of the range are none", () => {
  const groups = groupMarks([mark(1n), mark(2n), mark(90n), mark(200n)], 0n, 100n, 10);
  assert.deepEqual(
    groups.map(({ at, marks }) => [at, marks.length]),
    [
      [0.05, 2],
      [0.95, 1],
    ],
  );
});

test("marks are asked for again only if a range has more than their own, or another minute", () => {
  const asked = { range: { since: "2026-11-30T10:00:00Z", until: "2026-11-30T11:00:00Z" }, marks: [] };
  assert.ok(areFresh(asked, { since: "2026-11-30T10:00:30Z", until: "2026-11-30T11:00:30Z" }));
  assert.ok(areFresh(asked, { since: "2026-11-30T10:10:00Z", until: "2026-11-30T10:20:00Z" }));
  assert.ok(!areFresh(asked, { since: "2026-11-30T10:00:00Z", until: "2026-11-30T11:01:01Z" }));
  assert.ok(!areFresh(asked, { since: "2026-11-30T09:59:59Z", until: "2026-11-30T11:00:00Z" }));
  assert.ok(!areFresh(asked, { since: undefined, until: "2026-11-30T11:00:00Z" }));
  assert.ok(!areFresh(undefined, {}));
});

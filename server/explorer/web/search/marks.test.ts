import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogRecord } from "../api/types";
import { entryOf } from "../common/entry";
import { groupMarks, type Mark, markOfGap, markOfRecord } from "./marks";

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

test("a gap that lasts goes on until the end of the range, and there is no mark without any end", () => {
  const gap = { origin: "shop", since: "2026-11-30T00:00:00Z" };
  assert.deepEqual(markOfGap(gap, undefined), []);
  assert.match(markOfGap(gap, "2026-11-30T00:01:00Z")[0]?.text ?? "", /which lasts/);
  const [mark] = markOfGap({ ...gap, until: "2026-11-30T00:00:30Z" }, "2026-11-30T00:01:00Z");
  assert.equal((mark?.until ?? 0n) - (mark?.from ?? 0n), 30_000_000_000n);
});

test("marks that would be over each other are one, and those outside of the range are left out", () => {
  const groups = groupMarks([mark(1n), mark(2n), mark(90n), mark(200n)], 0n, 100n, 10);
  assert.deepEqual(
    groups.map(({ part, at, marks }) => [part, at, marks.length]),
    [
      [0, 0.05, 2],
      [9, 0.95, 1],
    ],
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Trace } from "../api/types";
import type { Entry } from "../common/entry";
import { textOf } from "../common/time";
import type { Verdict } from "../trust/verdict";
import { run, type Tally } from "./check_all";
import { record, START } from "./fixtures";
import { joined, requireSame } from "./load";

const page = (body: string, next: string, more: Partial<Trace> = {}): Trace =>
  ({
    traceId: "t",
    entries: [{ timestamp: textOf(START), log: { timestamp: textOf(START), body, serviceName: "shop", traceId: "t" } }],
    auditEventCount: "0",
    logCount: "0",
    spanCount: "0",
    links: [],
    unprovedOmitted: false,
    nextPageToken: next,
    ...more,
  }) as unknown as Trace;

test("counts and links are those of the first page, what was left out and the end those of the last", () => {
  const link = { name: "Tempo", url: "https://tempo.example/t" };
  const first = joined(undefined, page("one", "more", { logCount: "2", links: [link], unprovedOmitted: true }));
  assert.deepEqual([first.logs, first.isComplete, first.isUnprovedOmitted], [2, false, true]);
  const both = joined(first, page("two", ""));
  assert.deepEqual([both.logs, both.isComplete, both.isUnprovedOmitted, both.links], [2, true, false, [link]]);
  assert.deepEqual(
    both.entries.map((entry) => (entry.stream === "spans" ? "" : entry.record.body)),
    ["one", "two"],
  );
});

test("the check of all entries counts every verdict once, and ends when there are no more", async () => {
  const entries = Array.from({ length: 200 }, () => record({}));
  const looks = new Map<Entry, number>();
  const look = (entry: Entry): Verdict => {
    const count = (looks.get(entry) ?? 0) + 1;
    looks.set(entry, count);
    if (count < 3) return { kind: "waiting" };
    return entries.indexOf(entry) % 2
      ? { kind: "unpinned" }
      : { kind: "refuted", finding: "RECORD_CHANGED", message: "" };
  };
  const { tally, refuted } = await new Promise<{ tally: Tally; refuted: readonly Entry[] }>((resolve) => {
    run(entries, (tally, refuted, isDone) => isDone && resolve({ tally, refuted }), look);
  });
  assert.deepEqual(tally, { waiting: 0, checked: 0, uncompared: 0, unpinned: 100, unproved: 0, refuted: 100 });
  assert.equal(refuted.length, 100);
});

test("a check that was stopped looks at no entry any more", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const looksAfter = (isStopped: boolean): number => {
    let looks = 0;
    const look = (): Verdict => {
      looks += 1;
      return { kind: "waiting" };
    };
    const { stop } = run([record({})], () => {}, look);
    if (isStopped) stop();
    const before = looks;
    for (let turn = 0; turn < 10; turn += 1) context.mock.timers.tick(10);
    stop();
    return looks - before;
  };
  assert.equal(looksAfter(true), 0);
  assert.ok(looksAfter(false) > 0);
});

test("a trace may be asked for in every notation, and an answer with another trace is refused", () => {
  const id = "4bf92f3577b34da6a3ce929d0e0e4736";
  const uuid = "4BF92F35-77B3-4DA6-A3CE-929D0E0E4736";
  const notations = [id, `0x${id}`, uuid, `{${uuid}}`, `urn:uuid:${uuid}`, `00-${id}-00f067aa0ba902b7-01`];
  for (const asked of [...notations, `Root=1-4bf92f35-${id.slice(8)}`]) requireSame(asked, id);
  for (const other of ["", "4", id.replace("4b", "5b"), `${id}0`])
    assert.throws(() => requireSame(id, other), /another trace/);
});

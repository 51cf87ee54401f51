import assert from "node:assert/strict";
import { test } from "node:test";
import { type Signal, signal } from "@preact/signals";
import type { Entry } from "../common/entry";
import type { Verdict } from "../trust/verdict";
import { countStates, type StateCounts, watchStates } from "./state_counts";

const entry = (state: string) => ({ evidence: { state, reason: "", isExpected: false } }) as unknown as Entry;

test("rows are counted by what this browser found, and before that by what the server says", () => {
  const verdicts = new Map<Entry, Verdict>([
    [entry("VERIFIED"), { kind: "checked", key: "k" }],
    [entry("VERIFIED"), { kind: "refuted", finding: "RECORD_CHANGED", message: "" }],
    [entry("TAMPERED"), { kind: "waiting" }],
    [entry("VERIFIED"), { kind: "waiting" }],
    [entry("UNSIGNED"), { kind: "unproved", reason: "" }],
    [entry("VERIFIED"), { kind: "uncompared", key: "k", reason: "" }],
    [entry("VERIFIED"), { kind: "unpinned" }],
  ]);
  const { kinds, waiting } = countStates([...verdicts.keys()], (each) => verdicts.get(each) as Verdict);
  assert.deepEqual(Object.fromEntries(kinds), {
    checked: 1,
    tampered: 2,
    said: 1,
    unsigned: 1,
    uncompared: 1,
    unpinned: 1,
  });
  assert.equal(waiting, 2);
});

test("rows are counted again when a verdict changes after all were there, once for many changes", () => {
  const entries = [entry("VERIFIED"), entry("VERIFIED")];
  const verdicts = new Map(entries.map((each) => [each, signal<Verdict>({ kind: "unpinned" })]));
  const verdict = (each: Entry) => verdicts.get(each) as Signal<Verdict>;
  const seen: StateCounts[] = [];
  const planned: (() => void)[] = [];
  const stop = watchStates(
    entries,
    verdict,
    (counts) => seen.push(counts),
    (work) => {
      planned.push(work);
      return () => planned.splice(0);
    },
  );
  const pass = () => planned.splice(0).forEach((work) => void work());
  pass();
  assert.deepEqual(Object.fromEntries(seen.at(-1)?.kinds ?? []), { unpinned: 2 });
  for (const each of entries) verdict(each).value = { kind: "checked", key: "k" };
  assert.equal(planned.length, 1);
  pass();
  assert.deepEqual(Object.fromEntries(seen.at(-1)?.kinds ?? []), { checked: 2 });
  stop();
  verdict(entries[0] as Entry).value = { kind: "unpinned" };
  pass();
  assert.equal(seen.length, 2);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "../common/entry";
import type { Verdict } from "../trust/verdict";
import { countStates } from "./state_counts";

const entry = (state: string) => ({ evidence: { state, reason: "", isExpected: false } }) as unknown as Entry;

test("rows are counted by what this browser found, and before that by what the server says", () => {
  const verdicts = new Map<Entry, Verdict>([
    [entry("VERIFIED"), { kind: "checked", key: "k" }],
    [entry("VERIFIED"), { kind: "refuted", finding: "RECORD_CHANGED", message: "" }],
    [entry("TAMPERED"), { kind: "waiting" }],
    [entry("VERIFIED"), { kind: "waiting" }],
    [entry("UNSIGNED"), { kind: "unproved", reason: "" }],
  ]);
  const { kinds, waiting } = countStates([...verdicts.keys()], (each) => verdicts.get(each) as Verdict);
  assert.deepEqual(Object.fromEntries(kinds), { checked: 1, tampered: 2, said: 1, unsigned: 1 });
  assert.equal(waiting, 2);
});

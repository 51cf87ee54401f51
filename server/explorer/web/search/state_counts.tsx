/** The number of loaded rows in each state of evidence: all of them are checked, not only those in view. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Entry } from "../common/entry";
import { type Mark, markOf, SHAPES } from "../common/state_mark";
import { verdictOf } from "../trust/entries";
import type { Verdict } from "../trust/verdict";

export interface StateCounts {
  readonly kinds: ReadonlyMap<Mark["kind"], number>;
  /** Number of rows that are still being checked. */
  readonly waiting: number;
}

const ORDER: readonly (readonly [Mark["kind"], string])[] = [
  ["tampered", "tampered"],
  ["unsigned", "unsigned"],
  ["checked", "checked"],
  ["uncompared", "history not compared"],
  ["unpinned", "key not pinned"],
  ["said", "server: verified"],
  ["signed", "signed"],
  ["expected", "not signed"],
];

const PAUSE = 400; // ms between counts while rows are being checked
const LONG_PAUSE = 2000; // ms between counts afterwards: a key may be pinned or lost, or another history found

/** Count entries by their marks. */
export function countStates(entries: readonly Entry[], verdict: (entry: Entry) => Verdict): StateCounts {
  const kinds = new Map<Mark["kind"], number>();
  let waiting = 0;
  for (const entry of entries) {
    const found = verdict(entry);
    if (found.kind === "waiting") waiting += 1;
    const { kind } = markOf(entry.evidence, found);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return { kinds, waiting };
}

export function StateCountsLine({ entries }: { entries: readonly Entry[] }): JSX.Element | null {
  const [counts, setCounts] = useState<StateCounts>();
  useEffect(() => {
    // Thousands of verdicts may change one by one: they are counted now and then.
    let timer: ReturnType<typeof setTimeout>;
    const count = () => {
      const now = countStates(entries, (entry) => verdictOf(entry).peek());
      setCounts(now);
      timer = setTimeout(count, now.waiting ? PAUSE : LONG_PAUSE);
    };
    timer = setTimeout(count, PAUSE); // rows come first
    return () => clearTimeout(timer);
  }, [entries]);
  if (!counts || entries.length === 0) return null;
  const shown = ORDER.filter(([kind]) => counts.kinds.has(kind));
  return (
    <span class="state-counts">
      Loaded rows:{" "}
      {shown.map(([kind, word]) => (
        <span key={kind} class={`state state-${kind}`}>
          <span aria-hidden="true">{SHAPES[kind]}</span> {(counts.kinds.get(kind) ?? 0).toLocaleString("en")} {
            word
          }{" "}
        </span>
      ))}
      {counts.waiting > 0 && <span class="quiet">({counts.waiting.toLocaleString("en")} being checked)</span>}
    </span>
  );
}

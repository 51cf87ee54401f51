/** The number of loaded rows in each state of evidence: all of them are checked, not only those in view. */
import { effect, type ReadonlySignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { shownNumber } from "../common/counted";
import type { Entry } from "../common/entry";
import { type Mark, markOf, SHAPES } from "../common/state_mark";
import { verdictOf } from "../trust/entries";
import type { Verdict } from "../trust/verdict";

export interface StateCounts {
  readonly kinds: ReadonlyMap<Mark["kind"], number>;
  /** Number of rows that are still being checked. */
  readonly waiting: number;
}

/** The word of each kind, in the order of the line: first those that need attention. */
const WORDS: Readonly<Record<Mark["kind"], string>> = {
  tampered: "tampered",
  unsigned: "unsigned",
  checked: "checked",
  uncompared: "history not compared",
  unpinned: "key not pinned",
  said: "server: verified",
  signed: "signed",
  expected: "not signed",
};
const KINDS = Object.keys(WORDS) as Mark["kind"][];

const PAUSE = 400; // ms between counts

/** Count entries by their marks. */
export function countStates(entries: readonly Entry[], verdict: (entry: Entry) => Verdict): StateCounts {
  const kinds = new Map<Mark["kind"], number>();
  let waiting = 0;
  for (const entry of entries) {
    const found = verdict(entry);
    if (found.kind === "waiting") waiting += 1;
    const { kind } = markOf(entry, found);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return { kinds, waiting };
}

/**
 * Count entries, and again whenever a verdict has changed, as when a key is pinned in another tab.
 *
 * @param verdict the verdict on an entry, which may change
 * @param later calls a function after a while, and returns a function that keeps it from being called: thousands of
 *   verdicts may change one by one, and are counted together
 * @returns a function that ends the counting
 */
export function watchStates(
  entries: readonly Entry[],
  verdict: (entry: Entry) => ReadonlySignal<Verdict>,
  onCounts: (counts: StateCounts) => void,
  later: (work: () => void) => () => void = afterPause,
): () => void {
  let end = () => {};
  let cancel = later(count); // rows come first
  function count() {
    end();
    let isCounted = false;
    end = effect(() => {
      // It reads no verdict this time, and so is not called again.
      if (isCounted) cancel = later(count);
      else onCounts(countStates(entries, (entry) => verdict(entry).value));
      isCounted = true;
    });
  }
  return () => {
    cancel();
    end();
  };
}

function afterPause(work: () => void): () => void {
  const timer = setTimeout(work, PAUSE);
  return () => clearTimeout(timer);
}

export function StateCountsLine({ entries }: { entries: readonly Entry[] }): JSX.Element | null {
  const [counts, setCounts] = useState<StateCounts>();
  useEffect(() => watchStates(entries, verdictOf, setCounts), [entries]);
  if (!counts || entries.length === 0) return null;
  const shown = KINDS.filter((kind) => counts.kinds.has(kind));
  return (
    <span class="state-counts">
      Loaded rows:{" "}
      {shown.map((kind) => (
        <span key={kind} class={`state state-${kind}`}>
          <span aria-hidden="true">{SHAPES[kind]}</span> {shownNumber(counts.kinds.get(kind) ?? 0)} {WORDS[kind]}{" "}
        </span>
      ))}
      {counts.waiting > 0 && <span class="quiet">({shownNumber(counts.waiting)} being checked)</span>}
    </span>
  );
}

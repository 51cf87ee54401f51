/** The check of all entries in this browser, while it has nothing else to do. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Entry } from "../common/entry";
import { type Place, verdictAt } from "../trust/belongs";
import { verdictOf } from "../trust/entries";
import { whenIdle } from "../trust/queue";
import type { Verdict } from "../trust/verdict";

export type Tally = Record<Verdict["kind"], number>;

export interface CheckOfAll {
  isRunning: boolean;
  /** Verdicts so far; undefined before the first run. */
  tally: Tally | undefined;
  /** Entries that this browser refuted, at most 100. */
  refuted: readonly Entry[];
  start: () => void;
  stop: () => void;
}

/** Checks that run at a time: few, so that rows in view do not wait. */
const AT_ONCE = 64;
const EVERY = 200; // milliseconds between two looks at the results

/** Check entries on request, also that they are of a place; other entries end the check. */
export function useCheckOfAll(entries: readonly Entry[], place: Place): CheckOfAll {
  const [state, setState] = useState<Pick<CheckOfAll, "isRunning" | "tally" | "refuted">>(IDLE);
  const running = useRef<{ stop: () => void } | undefined>(undefined);
  const stop = () => {
    running.current?.stop();
    running.current = undefined;
    setState((now) => ({ ...now, isRunning: false }));
  };
  useEffect(() => {
    running.current?.stop();
    setState(IDLE);
    return () => running.current?.stop();
  }, [entries]);
  return useMemo(
    () => ({
      ...state,
      stop,
      start: () => {
        stop();
        running.current = run(
          entries,
          (tally, refuted, isDone) => setState({ tally, refuted, isRunning: !isDone }),
          (entry) => verdictAt(entry, place, verdictOf(entry).peek()),
        );
      },
    }),
    [state, entries, place],
  );
}

const IDLE = { isRunning: false, tally: undefined, refuted: [] };

/**
 * Begin to check, a few entries at a time, and tell the results now and then.
 *
 * @param look the verdict on an entry so far; the first look begins its check
 */
export function run(
  entries: readonly Entry[],
  tell: (tally: Tally, refuted: readonly Entry[], isDone: boolean) => void,
  look: (entry: Entry) => Verdict,
): { stop: () => void } {
  const tally: Tally = { waiting: entries.length, checked: 0, uncompared: 0, unpinned: 0, unproved: 0, refuted: 0 };
  const refuted: Entry[] = [];
  let open: Entry[] = [];
  let at = 0;
  let told = 0;
  let isStopped = false;
  const step = (): void => {
    if (isStopped) return;
    open = open.filter((entry) => {
      const { kind } = look(entry);
      if (kind === "waiting") return true;
      tally.waiting -= 1;
      tally[kind] += 1;
      if (kind === "refuted" && refuted.length < 100) refuted.push(entry);
      return false;
    });
    while (open.length < AT_ONCE && at < entries.length) {
      const entry = entries[at] as Entry;
      look(entry);
      open.push(entry);
      at += 1;
    }
    const isDone = open.length === 0;
    const now = performance.now();
    if (isDone || now - told >= EVERY) {
      told = now;
      tell({ ...tally }, [...refuted], isDone);
    }
    if (!isDone) setTimeout(() => whenIdle(step), 4);
  };
  step();
  return {
    stop: () => {
      isStopped = true;
    },
  };
}

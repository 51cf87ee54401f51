/** Live tail: records as they are committed, over connections that may be lost. */
import { ApiError, isAbort, lines, pathOf } from "../api/client";
import type { TailAnswer } from "../api/types";
import { type Entry, entryOf } from "../common/entry";
import { nanosOf } from "../common/time";
import { PROOFS } from "../trust/proofs";

/** A step of a tail. `isLate` is true for records that may have waited for a lost connection. */
export type TailStep =
  | { kind: "records"; entries: Entry[]; missed: MissedRecords[]; behind: number; isLate: boolean }
  | { kind: "connected" }
  | { kind: "lost"; message: string; retryInSeconds: number };

/** Leaves [first, end) that the tail left out. */
export interface MissedRecords {
  readonly origin: string;
  readonly first: string;
  readonly end: string;
  readonly wereDeleted: boolean;
}

const LONGEST_WAIT = 15; // seconds

/** The seconds to wait before the next attempt, after so many that failed. */
export const waitAfter = (failures: number): number => Math.min(2 ** Math.max(failures - 1, 0), LONGEST_WAIT);

/**
 * Follow the records that match a query until the signal. Lost connections are made again, from the cursor of the last
 * answer on, so that nothing is missed. Throws ApiError if the server refuses the query.
 */
export async function* follow(
  query: string,
  streams: readonly string[],
  signal: AbortSignal,
  wait: (seconds: number, signal: AbortSignal) => Promise<void> = pause,
): AsyncGenerator<TailStep, void, void> {
  let cursor = "";
  let failures = 0;
  let isLate = false;
  while (!signal.aborted) {
    let message = "the server ended the connection";
    try {
      let isFirst = true;
      const path = pathOf("/api/v1/tail", { query, streams, cursor, ...PROOFS });
      for await (const answer of lines<TailAnswer>(path, signal)) {
        if (isFirst) yield { kind: "connected" };
        isFirst = false;
        failures = 0;
        cursor = answer.cursor;
        const step = stepOf(answer, isLate);
        isLate &&= step.behind > 0;
        yield step;
      }
    } catch (error) {
      if (signal.aborted || isAbort(error)) return;
      if (!(error instanceof ApiError) || isFinal(error)) throw error;
      message = error.message;
    }
    failures += 1;
    isLate = true;
    const seconds = waitAfter(failures);
    yield { kind: "lost", message, retryInSeconds: seconds };
    await wait(seconds, signal);
  }
}

function stepOf({ entries, missed, behind }: TailAnswer, isLate: boolean): TailStep & { kind: "records" } {
  return {
    kind: "records",
    entries: entries.map(entryOf),
    missed: missed.map(({ origin, firstLeaf, endLeaf, reason }) => ({
      origin,
      first: firstLeaf,
      end: endLeaf,
      wereDeleted: reason === "NOT_STORED",
    })),
    behind: Number(behind),
    isLate,
  };
}

/** Return whether another attempt would end in the same way. */
const isFinal = ({ status }: ApiError): boolean => status >= 400 && status < 500 && status !== 429 && status !== 408;

function pause(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** The entries of a tail that are shown, the latest first, and those that wait while the reader reads. */
export interface Feed {
  readonly shown: readonly Entry[];
  readonly waiting: readonly Entry[];
  /** Number of entries that were dropped, because more came than are kept. */
  readonly dropped: number;
}

export const EMPTY_FEED: Feed = { shown: [], waiting: [], dropped: 0 };

const MOST = 5_000;

/** A feed with further entries, which came in their order; they wait while it is paused. */
export function withEntries(feed: Feed, entries: readonly Entry[], isPaused: boolean, most = MOST): Feed {
  if (entries.length === 0) return feed;
  const known = new Set([...feed.shown, ...feed.waiting].map(({ key }) => key));
  const added = entries.filter(({ key }) => !known.has(key) && known.add(key)).reverse();
  const waiting = [...added, ...feed.waiting];
  const next = isPaused ? { ...feed, waiting } : { ...feed, shown: [...waiting, ...feed.shown], waiting: [] };
  return cut(next, most);
}

/** A feed that shows what waited. */
export const resumed = (feed: Feed, most = MOST): Feed =>
  cut({ ...feed, shown: [...feed.waiting, ...feed.shown], waiting: [] }, most);

function cut(feed: Feed, most: number): Feed {
  // Only those that wait and were never seen are lost to the reader; the oldest of the others were there to read.
  return {
    shown: feed.shown.slice(0, most),
    waiting: feed.waiting.slice(0, most),
    dropped: feed.dropped + Math.max(feed.waiting.length - most, 0),
  };
}

/**
 * The time from the receipt of a record to its arrival here, with its signed checkpoint: it was signed within this
 * time. Undefined if clocks differ.
 */
export function signedWithin(entry: Entry, arrived: bigint): bigint | undefined {
  if (!entry.evidence || entry.evidence.state === "UNSIGNED") return undefined;
  const { ingestedAt } = entry.stream === "spans" ? entry.span : entry.record;
  if (!ingestedAt) return undefined;
  const passed = arrived - nanosOf(ingestedAt);
  return passed >= 0n ? passed : undefined;
}

/** The records of a search, page by page, as far as the reader has scrolled. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get, isAbort } from "../api/client";
import type { SearchAnswer } from "../api/types";
import { distinct } from "../common/distinct";
import { type Entry, entryOf } from "../common/entry";
import { termOf } from "../common/terms";
import { PROOFS } from "../trust/proofs";
import { leafOf } from "./places";
import { fieldsOfSearch, type Search } from "./query";

const PAGE = 150;

export interface Results {
  /** The search that the entries belong to; an earlier one while the first page of the next one is on its way. */
  readonly search: Search | undefined;
  readonly entries: readonly Entry[];
  readonly isAsking: boolean;
  /** Number of pages, some of which may have no records. */
  readonly pages: number;
  /** True if the last page is there. */
  readonly isComplete: boolean;
  /** True if records that cannot be proved come only on later pages. */
  readonly unprovedOmitted: boolean;
  readonly wasStopped: boolean;
  readonly error?: Error;
}

/** A search that is on its way. */
interface Run {
  controller: AbortController;
  token: string;
  /** True until its first page is there: what is shown before belongs to an earlier search. */
  isFirst: boolean;
  isAsking: boolean;
}

const NOTHING: Results = {
  search: undefined,
  entries: [],
  isAsking: false,
  pages: 0,
  isComplete: false,
  unprovedOmitted: false,
  wasStopped: false,
};

/** The results of a search, with what asks for the next page and what stops. A new search cancels the one before. */
export function useResults(search: Search | undefined): { results: Results; more: () => void; stop: () => void } {
  const [results, setResults] = useState<Results>(NOTHING);
  const running = useRef<Run | undefined>(undefined);
  const ask = useCallback(() => {
    const run = running.current;
    if (!search || !run || run.isAsking) return;
    const { isFirst } = run;
    run.isAsking = true;
    setResults((now) => ({ ...now, isAsking: true, wasStopped: false, error: undefined }));
    fetchPage(search, run.token, run.controller.signal).then(
      ({ entries, answer }) => {
        if (running.current !== run) return;
        run.token = answer.nextPageToken;
        run.isFirst = false;
        run.isAsking = false;
        setResults((now) => ({
          search,
          entries: isFirst ? distinct([], entries) : [...now.entries, ...distinct(now.entries, entries)],
          isAsking: false,
          pages: isFirst ? 1 : now.pages + 1,
          isComplete: answer.nextPageToken === "",
          unprovedOmitted: answer.unprovedOmitted,
          wasStopped: false,
        }));
      },
      (error: unknown) => {
        if (running.current !== run || isAbort(error)) return;
        run.isAsking = false;
        const shown = error instanceof Error ? error : new Error(String(error));
        setResults((now) => ({ ...(isFirst ? NOTHING : now), search, isAsking: false, error: shown }));
      },
    );
  }, [search]);
  useEffect(() => {
    if (!search) {
      setResults(NOTHING);
      return;
    }
    const controller = new AbortController();
    running.current = { controller, token: "", isFirst: true, isAsking: false };
    ask();
    return () => {
      running.current = undefined;
      controller.abort();
    };
  }, [search]);
  // Another function after each page, so that a list whose end is in view asks again, also after an empty page.
  const more = useCallback(() => {
    const run = running.current;
    if (run && (run.isFirst || run.token)) ask();
  }, [ask, results.pages]);
  const stop = useCallback(() => {
    const run = running.current;
    if (!run?.isAsking) return;
    run.controller.abort();
    running.current = { ...run, controller: new AbortController(), isAsking: false };
    setResults((now) => ({ ...(run.isFirst ? NOTHING : now), search, isAsking: false, wasStopped: true }));
  }, [search]);
  return { results, more, stop };
}

async function fetchPage(
  search: Search,
  token: string,
  signal: AbortSignal,
): Promise<{ entries: Entry[]; answer: SearchAnswer }> {
  const fields = {
    ...fieldsOfSearch(search),
    ...PROOFS,
    oldest_first: search.oldestFirst,
    page_size: PAGE,
    page_token: token,
  };
  const answer = await get<SearchAnswer>("/api/v1/search", fields, signal);
  return { entries: answer.entries.map(entryOf), answer };
}

/** A number of records: exactly, or at least. */
export interface Count {
  readonly count: number;
  readonly isLowerBound: boolean;
}

const MOST_COUNTED = 10_000_000;

/** Count the records of a search. */
export async function countOf(search: Search, signal: AbortSignal): Promise<Count> {
  const fields = {
    ...fieldsOfSearch(search),
    page_size: 1,
    check: "CHECK_SIGNATURES",
    count_up_to: MOST_COUNTED,
  };
  const { count, countIsLowerBound } = await get<SearchAnswer>("/api/v1/search", fields, signal);
  return { count: Number(count), isLowerBound: countIsLowerBound };
}

/** Find the rows that claim a leaf, given as log#leaf, in all streams that the reader may read. */
export async function recordAt(place: string, streams: readonly string[], signal: AbortSignal): Promise<Entry[]> {
  const fields = { query: termOf("log", place), streams, page_size: 5, ...PROOFS };
  const answer = await get<SearchAnswer>("/api/v1/search", { ...fields, until: "2262-04-11T00:00:00Z" }, signal);
  return distinct([], answer.entries.map(entryOf)).filter(({ key }) => leafOf(key) === place);
}

/** The records of a search, page by page, as far as the reader has scrolled. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get, isAbort } from "../api/client";
import type { SearchAnswer } from "../api/types";
import { type Entry, entryOf } from "../shared/entry";
import { termOf } from "../shared/terms";
import { PROOFS } from "../trust/proofs";
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
  const ask = useCallback(
    (isFirst: boolean) => {
      const run = running.current;
      if (!search || !run || run.isAsking) return;
      run.isAsking = true;
      setResults((now) => ({ ...now, isAsking: true, wasStopped: false, error: undefined }));
      fetchPage(search, run.token, run.controller.signal).then(
        ({ entries, answer }) => {
          if (running.current !== run) return;
          run.token = answer.nextPageToken;
          run.isAsking = false;
          setResults((now) => ({
            search,
            entries: isFirst ? entries : [...now.entries, ...entries],
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
    },
    [search],
  );
  useEffect(() => {
    if (!search) {
      setResults(NOTHING);
      return;
    }
    const controller = new AbortController();
    running.current = { controller, token: "", isAsking: false };
    ask(true);
    return () => {
      running.current = undefined;
      controller.abort();
    };
  }, [search]);
  // Another function after each page, so that who waits at the end of the list asks again, also after an empty page.
  const more = useCallback(() => {
    if (running.current?.token) ask(false);
  }, [ask, results.pages]);
  const stop = useCallback(() => {
    const run = running.current;
    if (!run?.isAsking) return;
    run.controller.abort();
    running.current = { controller: new AbortController(), token: run.token, isAsking: false };
    setResults((now) => ({ ...now, search, isAsking: false, wasStopped: true }));
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

/** Find the record of a log and leaf, given as log#leaf, in all streams that the reader may read. */
export async function recordAt(place: string, streams: readonly string[], signal: AbortSignal): Promise<Entry[]> {
  const fields = { query: termOf("log", place), streams, page_size: 5, ...PROOFS };
  const answer = await get<SearchAnswer>("/api/v1/search", { ...fields, until: "2262-04-11T00:00:00Z" }, signal);
  return answer.entries.map(entryOf);
}

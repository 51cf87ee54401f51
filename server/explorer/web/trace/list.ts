/** The list of traces: its state in the address, and its pages. */
import { useEffect, useRef, useState } from "preact/hooks";
import { type Fields, get, isAbort } from "../api/client";
import type { FoundTraces, TraceSummary } from "../api/types";
import { ownOf } from "../common/own";

/** The conditions of the list. */
export interface ListState {
  query: string;
  /** Streams in which a match counts; empty for audit events and logs. */
  streams: string;
  since: string;
  until: string;
  errors: boolean;
  /** The shortest duration, as it was written, such as 500ms. */
  least: string;
}

export const listStateOf = (parameters: URLSearchParams): ListState => {
  const text = (name: string) => parameters.get(name) ?? "";
  return {
    query: text("q"),
    streams: text("streams"),
    since: text("since") || "24h",
    until: text("until"),
    errors: text("errors") === "1",
    least: text("least"),
  };
};

const UNITS: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, min: 60e9, h: 3600e9 };

/** Nanoseconds of a duration such as 500ms or 1.5 s; a number alone is in milliseconds. Undefined if it is none. */
export function durationOf(text: string): bigint | undefined {
  const found = /^(\d{1,12}(?:\.\d{1,9})?)\s*(ns|us|µs|ms|s|m|min|h)?$/.exec(text.trim());
  if (!found) return undefined;
  return BigInt(Math.round(Number(found[1]) * (ownOf(UNITS, found[2] ?? "ms") ?? 0)));
}

export interface List {
  traces: readonly TraceSummary[];
  isReading: boolean;
  hasMore: boolean;
  error: Error | undefined;
  isUnprovedOmitted: boolean;
  /** End of the range and number of matching records dated later, if the request has no end. */
  later: { until: string; count: number } | undefined;
  more: () => void;
}

const NOTHING = {
  traces: [],
  isReading: true,
  hasMore: false,
  error: undefined,
  isUnprovedOmitted: false,
  later: undefined,
};

/** Traces in a page of the API. */
const PAGE = 40;

/** Read the first page, and further ones on request. Other fields begin again. */
export function useList(fields: Fields | undefined): List {
  const [list, setList] = useState<Omit<List, "more">>(NOTHING);
  const reading = useRef({ token: "", controller: new AbortController(), isBusy: false });
  const read = async () => {
    const now = reading.current;
    if (now.isBusy || !fields) return;
    now.isBusy = true;
    setList((before) => ({ ...before, isReading: true, error: undefined }));
    try {
      let page: FoundTraces;
      do {
        // With filters, a page may have no traces, although more pages follow.
        page = await get(
          "/api/v1/traces",
          { ...fields, page_size: PAGE, page_token: now.token },
          now.controller.signal,
        );
        const isFirst = now.token === "";
        now.token = page.nextPageToken;
        const { traces, until, laterCount, unprovedOmitted } = page;
        const later = until && Number(laterCount) ? { until, count: Number(laterCount) } : undefined;
        setList((before) => ({
          ...before,
          traces: isFirst ? traces : [...before.traces, ...traces],
          hasMore: page.nextPageToken !== "",
          isUnprovedOmitted: before.isUnprovedOmitted || unprovedOmitted,
          later: isFirst ? later : before.later,
        }));
      } while (page.traces.length === 0 && now.token);
      setList((before) => ({ ...before, isReading: false }));
    } catch (error) {
      if (now.controller.signal.aborted || isAbort(error)) return;
      setList((before) => ({
        ...before,
        isReading: false,
        error: error instanceof Error ? error : new Error(String(error)),
      }));
    } finally {
      now.isBusy = false;
    }
  };
  useEffect(() => {
    const controller = new AbortController();
    reading.current = { token: "", controller, isBusy: false };
    setList(NOTHING);
    read();
    return () => controller.abort();
  }, [JSON.stringify(fields)]);
  return { ...list, more: read };
}

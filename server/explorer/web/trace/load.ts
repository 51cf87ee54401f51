/** All pages of a trace, shown as they arrive. */

import { useEffect, useRef, useState } from "preact/hooks";
import { get, isAbort } from "../api/client";
import type { Trace } from "../api/types";
import { distinct } from "../common/distinct";
import { type Entry, entryOf } from "../common/entry";
import { PROOFS } from "../trust/proofs";

/** The part of a trace that was read so far. */
export interface LoadedTrace {
  /** The ID in its canonical notation. */
  traceId: string;
  entries: readonly Entry[];
  /** Numbers of stored entries of the whole trace. */
  audits: number;
  logs: number;
  spans: number;
  links: Trace["links"];
  /** True if entries that cannot be proved were left out. */
  isUnprovedOmitted: boolean;
  isComplete: boolean;
}

/** Entries that are read without being asked for: a sender may give millions of records one trace ID. */
const UNASKED = 20_000;

export interface Loading {
  trace: LoadedTrace | undefined;
  /** The reason for which reading ended early. */
  error: Error | undefined;
  /** True if reading has stopped because there are very many entries. */
  isPaused: boolean;
  /** Go on where reading ended. */
  readOn: () => void;
}

/** Entries of each kind in the first answer, which is there soon, and in the others: the most that the server gives. */
const FIRST = 200;
const OTHERS = 1000;

interface Reading {
  controller: AbortController;
  /** The trace's ID, as the page was asked for it and in its canonical notation. */
  names: Set<string>;
  /** Token of the page at which to go on. */
  token: string;
  read?: LoadedTrace;
  /** Number of entries at which reading stops until the reader asks for more. */
  most: number;
}

/** Read a trace from its first page to its last. */
export function useTrace(traceId: string): Loading {
  const [trace, setTrace] = useState<LoadedTrace>();
  const [error, setError] = useState<Error>();
  const [isPaused, setPaused] = useState(false);
  const reading = useRef<Reading | undefined>(undefined);

  const read = async (): Promise<void> => {
    const now = reading.current;
    if (!now) return;
    const { signal } = now.controller;
    setError(undefined);
    setPaused(false);
    try {
      do {
        const limit = now.read ? OTHERS : FIRST;
        const path = `/api/v1/traces/${encodeURIComponent(traceId)}`;
        const page = await get<Trace>(path, { limit, page_token: now.token, ...PROOFS }, signal);
        requireSame(traceId, page.traceId);
        now.read = joined(now.read, page);
        now.names.add(now.read.traceId);
        now.token = page.nextPageToken;
        setTrace(now.read);
      } while (now.token && now.read.entries.length < now.most);
      if (now.token) setPaused(true);
      now.most = now.read.entries.length + UNASKED;
    } catch (found) {
      if (signal.aborted || isAbort(found)) return;
      setError(found instanceof Error ? found : new Error(String(found)));
    }
  };

  useEffect(() => {
    // The page's address gets the canonical ID after the first answer, which is not a reason to read again.
    if (reading.current?.names.has(traceId)) return;
    reading.current?.controller.abort();
    reading.current = { controller: new AbortController(), names: new Set([traceId]), token: "", most: UNASKED };
    setTrace(undefined);
    read();
  }, [traceId]);
  useEffect(() => () => reading.current?.controller.abort(), []);
  return { trace, error, isPaused, readOn: read };
}

/**
 * Require that a page is of the trace that was asked for. Each notation of an ID has its 32 digits, some with dashes.
 *
 * Throws an Error if the server answers with another trace: the address of the page would change to that.
 */
export function requireSame(asked: string, answered: string): void {
  const digits = asked.toLowerCase().replaceAll("-", "");
  if (/^[0-9a-f]{32}$/.test(answered) && digits.includes(answered)) return;
  throw new Error(`the server answered with another trace, ${answered.slice(0, 80)}, than the one that was asked for`);
}

/** The part that was read, with one more page. Pure. */
export function joined(before: LoadedTrace | undefined, page: Trace): LoadedTrace {
  const entries = distinct(before?.entries ?? [], page.entries.map(entryOf));
  return {
    traceId: page.traceId,
    entries: before ? [...before.entries, ...entries] : entries,
    audits: before?.audits ?? Number(page.auditEventCount),
    logs: before?.logs ?? Number(page.logCount),
    spans: before?.spans ?? Number(page.spanCount),
    links: before?.links ?? page.links,
    isUnprovedOmitted: page.unprovedOmitted,
    isComplete: !page.nextPageToken,
  };
}

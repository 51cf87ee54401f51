/** All pages of a trace, shown as they arrive. */

import { useEffect, useRef, useState } from "preact/hooks";
import { get, isAbort } from "../api/client";
import type { Trace } from "../api/types";
import { type Entry, entryOf } from "../shared/entry";
import { PROOFS } from "../trust/proofs";

/** What was read of a trace so far. */
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

export interface Loading {
  trace: LoadedTrace | undefined;
  /** Why reading ended early. */
  error: Error | undefined;
  /** Go on where reading ended. */
  retry: () => void;
}

/** Entries of each kind in the first answer, so that it is there soon, and in the others: the most that the server gives. */
const FIRST = 200;
const OTHERS = 1000;

interface Reading {
  controller: AbortController;
  /** The trace's ID, as the page was asked for it and in its canonical notation. */
  names: Set<string>;
  /** Where to go on. */
  token: string;
  read?: LoadedTrace;
}

/** Read a trace from its first page to its last. */
export function useTrace(traceId: string): Loading {
  const [trace, setTrace] = useState<LoadedTrace>();
  const [error, setError] = useState<Error>();
  const reading = useRef<Reading | undefined>(undefined);

  const read = async (): Promise<void> => {
    const now = reading.current;
    if (!now) return;
    const { signal } = now.controller;
    setError(undefined);
    try {
      do {
        const limit = now.read ? OTHERS : FIRST;
        const path = `/api/v1/traces/${encodeURIComponent(traceId)}`;
        const page = await get<Trace>(path, { limit, page_token: now.token, ...PROOFS }, signal);
        now.read = joined(now.read, page);
        now.names.add(now.read.traceId);
        now.token = page.nextPageToken;
        setTrace(now.read);
      } while (now.token);
    } catch (found) {
      if (signal.aborted || isAbort(found)) return;
      setError(found instanceof Error ? found : new Error(String(found)));
    }
  };

  useEffect(() => {
    // The page's address gets the canonical ID after the first answer, which is no reason to read again.
    if (reading.current?.names.has(traceId)) return;
    reading.current?.controller.abort();
    reading.current = { controller: new AbortController(), names: new Set([traceId]), token: "" };
    setTrace(undefined);
    read();
  }, [traceId]);
  useEffect(() => () => reading.current?.controller.abort(), []);
  return { trace, error, retry: read };
}

/** What was read, with one more page. Pure. */
export function joined(before: LoadedTrace | undefined, page: Trace): LoadedTrace {
  const entries = page.entries.map(entryOf);
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

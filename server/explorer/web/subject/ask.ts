/** Events of a subject, asked for page by page. */
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, isAbort } from "../api/client";
import type { ActorTimeline, AuditOverview, TargetHistory } from "../api/types";
import { type Answer, useAnswer } from "../common/answer";
import { distinct } from "../common/distinct";
import { type Entry, entryOf } from "../common/entry";
import { PROOFS } from "../trust/proofs";
import { fieldsOf, isNarrowed, pathOfSubject, type Subject, type View } from "./view";

const PAGE = 200;

/** The events that are here so far. */
export interface Found {
  readonly entries: readonly Entry[];
  readonly overview: AuditOverview | undefined;
  readonly actorsOfThisName: readonly string[];
  /** The end of the range that the server chose, and the number of events that are dated later. */
  readonly until: string | undefined;
  readonly laterCount: number;
  readonly unprovedOmitted: boolean;
  /** Token of the next page; empty if everything is here. */
  readonly next: string;
}

export interface Asked {
  readonly found: Found | undefined;
  /** True while events of an earlier view are shown, or none yet. */
  readonly isWaiting: boolean;
  readonly isLoadingMore: boolean;
  readonly error: Error | undefined;
  /** Ask for the next page, if there is one and nobody asked for it yet; after an error, for the same page again. */
  readonly more: () => void;
}

type State = Omit<Asked, "more">;
type Page = ActorTimeline | TargetHistory;

const NOTHING: State = { found: undefined, isWaiting: true, isLoadingMore: false, error: undefined };

/** Ask for the events of a subject in a view, a page at once and others when `more` is called. */
export function useEvents(subject: Subject, view: View, now: bigint): Asked {
  const [state, setState] = useState<State>(NOTHING);
  const { kind, id } = subject;
  const { query, since, until, isOldestFirst } = view;
  const page = useMemo(() => {
    const path = pathOfSubject(subject);
    const fields = { ...fieldsOf(view, now), ...PROOFS, page_size: PAGE };
    return (token: string, signal: AbortSignal) => get<Page>(path, { ...fields, page_token: token }, signal);
  }, [kind, id, query, since, until, isOldestFirst, now]);
  const controller = useRef<AbortController>(undefined);
  const isAsking = useRef(false);

  const ask = useCallback(
    (before: Found | undefined) => {
      const current = controller.current;
      if (!current || isAsking.current) return;
      isAsking.current = true;
      page(before?.next ?? "", current.signal).then(
        (answer) => {
          if (current.signal.aborted) return;
          isAsking.current = false;
          setState({ ...NOTHING, found: joined(before, answer), isWaiting: false });
        },
        (error: unknown) => {
          if (current.signal.aborted || isAbort(error)) return;
          isAsking.current = false;
          setState({
            ...NOTHING,
            found: before,
            isWaiting: false,
            error: error instanceof Error ? error : new Error(String(error)),
          });
        },
      );
    },
    [page],
  );

  useEffect(() => {
    const made = new AbortController();
    controller.current = made;
    isAsking.current = false;
    setState((now) => ({ ...now, isWaiting: true, isLoadingMore: false, error: undefined }));
    ask(undefined);
    return () => made.abort();
  }, [ask]);

  const more = useCallback(() => {
    const { found, isWaiting, error } = state;
    const isThere = found ? found.next !== "" : error !== undefined;
    if (isWaiting || !isThere || isAsking.current) return;
    setState((now) => ({ ...now, isWaiting: !found, isLoadingMore: found !== undefined, error: undefined }));
    ask(found);
  }, [state, ask]);
  return { ...state, more };
}

/** The overview of all events of a subject, whatever a view leaves out. */
export function useWholeOverview(subject: Subject, view: View, now: bigint): Answer<AuditOverview | undefined> {
  const isNeeded = isNarrowed(view);
  return useAnswer(
    async (signal) => {
      if (!isNeeded) return undefined;
      const fields = { page_size: 1, check: "CHECK_SIGNATURES" };
      return (await get<Page>(pathOfSubject(subject), fields, signal)).overview;
    },
    [subject.kind, subject.id, isNeeded, now],
  );
}

/** The events of an answer after those of earlier ones; the first answer alone has overview and end. */
export function joined(before: Found | undefined, answer: Page): Found {
  const entries = distinct(before?.entries ?? [], answer.entries.map(entryOf));
  return {
    entries: before ? [...before.entries, ...entries] : entries,
    overview: before?.overview ?? answer.overview,
    actorsOfThisName: before?.actorsOfThisName ?? ("actorsOfThisName" in answer ? answer.actorsOfThisName : []),
    until: before ? before.until : answer.until,
    laterCount: before?.laterCount ?? Number(answer.laterCount),
    unprovedOmitted: answer.unprovedOmitted,
    next: answer.nextPageToken,
  };
}

/** Results of a search: histogram, count, facets and rows, all about exactly the same range. */
import type { JSX } from "preact";
import { useCallback, useEffect, useLayoutEffect } from "preact/hooks";
import type { Histogram as HistogramAnswer } from "../api/types";
import { change } from "../app/location";
import { hasRole } from "../app/session";
import { Failure, Notice } from "../common/answer";
import { counted } from "../common/counted";
import type { Entry, Stream } from "../common/entry";
import { isWrongQuery } from "../query/errors";
import { setStreams } from "./choices";
import { Facets } from "./facets";
import { groupsFor, Histogram, useHistogram } from "./histogram";
import { LaterNotice } from "./later";
import { useMarks } from "./mark_strip";
import { Nothing } from "./nothing";
import type { Search, SearchState } from "./query";
import { type Count, type Results, useResults } from "./results";
import { Rows } from "./rows";
import { StateCountsLine } from "./state_counts";

interface FoundProps {
  search: Search;
  state: SearchState;
  readable: readonly Stream[];
  current: number;
  body: { current: HTMLDivElement | null };
  onOpen: (entry: Entry, at: number) => void;
  onPlace: (place: string) => void;
  onEntries: (entries: readonly Entry[]) => void;
  onFailure: (error: Error | undefined) => void;
  onTerm: (term: string) => void;
  onRange: (since: string, until: string) => void;
}

export function Found(props: FoundProps): JSX.Element {
  const { search, state, readable, current, body, onOpen, onPlace, onEntries, onFailure, onTerm, onRange } = props;
  const { results, more, stop } = useResults(search);
  const { entries, error } = results;
  const isOld = results.search !== search;
  useLayoutEffect(() => onEntries(entries), [entries]);
  useEffect(() => onFailure(entries.length ? undefined : error), [error]);
  useEffect(() => {
    if (isOld) return;
    if (body.current) body.current.scrollTop = 0;
  }, [isOld]);
  // Rows come first: what is beside them waits for them. The histogram counts all that match.
  const settled = results.search;
  const groupBy = groupsFor(search).includes(state.groupBy) ? state.groupBy : "stream";
  const histogram = useHistogram(search, groupBy);
  const marks = useMarks(hasRole("auditor") && !search.isAboutEvidence ? settled : undefined);
  const count = !isOld && histogram.state === "there" && histogram.value ? countIn(histogram.value) : undefined;
  const total = results.isComplete ? entries.length : count && !count.isLowerBound ? count.count : undefined;
  const open = useCallback(
    (at: number) => {
      const entry = entries[at];
      if (entry) onOpen(entry, at);
    },
    [entries, onOpen],
  );
  const hasFailed = error !== undefined && entries.length === 0;
  return (
    <div class="found">
      {!hasFailed && !search.isAboutEvidence && (
        <Histogram
          {...{ search, groupBy, marks }}
          answer={histogram}
          rows={results.isComplete && !isOld ? entries.length : undefined}
          onGroupBy={(by) => change({ by: by === "stream" ? undefined : by }, { replace: true })}
          onZoom={onRange}
          onOpen={onPlace}
        />
      )}
      <div class="status-line">
        <p role="status">{hasFailed ? "" : statusOf(results, isOld, count, search)}</p>
        {results.isAsking && (
          <button type="button" onClick={stop}>
            Stop
          </button>
        )}
        {(results.wasStopped || (error && !isWrongQuery(error))) && !results.isAsking && !results.isComplete && (
          <button type="button" onClick={more}>
            {error ? "Try again" : "Go on"}
          </button>
        )}
        {results.unprovedOmitted && (
          <Notice kind="warning">
            There are records here that cannot be proved: they are at the end of the list.{" "}
            <button type="button" class="as-link" onClick={() => onTerm("-evidence:verified")}>
              Show only those
            </button>
          </Notice>
        )}
        {search.isAboutEvidence && (
          <span class="quiet">Evidence is checked as records are read: they cannot be counted before.</span>
        )}
        {state.until === "" && settled && <LaterNotice search={settled} onShow={onRange} />}
        {!isOld && <StateCountsLine entries={entries} />}
        {error && entries.length > 0 && <Failure error={error} />}
      </div>
      {!hasFailed && (
        <div class="columns">
          <Facets {...{ onTerm }} search={settled} query={state.query} onStreams={setStreams} />
          {results.isComplete && !isOld && entries.length === 0 ? (
            <Nothing {...{ search, state, readable, onRange }} />
          ) : (
            <Rows
              {...{ entries, total, current, body }}
              columns={state.columns}
              wraps={state.wraps}
              oldestFirst={state.oldestFirst}
              open={state.open}
              isBusy={isOld}
              onOpen={open}
              onSort={() => change({ sort: state.oldestFirst ? undefined : "oldest" })}
              onEnd={results.wasStopped || error ? undefined : more}
            />
          )}
        </div>
      )}
    </div>
  );
}

const countIn = ({ count, isPartial }: HistogramAnswer): Count => ({ count: Number(count), isLowerBound: isPartial });

/** One sentence on how far the search is. */
function statusOf(results: Results, isOld: boolean, count: Count | undefined, search: Search): string {
  const loaded = counted(results.entries.length, "record");
  if (isOld) return "Searching …";
  const inAll = count ? `${count.isLowerBound ? "more than " : ""}${counted(count.count, "record")}` : "";
  if (results.wasStopped) return `Stopped after ${loaded}${inAll && ` of ${inAll}`}`;
  if (results.isComplete && count && !count.isLowerBound && count.count !== results.entries.length) {
    return `${loaded} listed, ${inAll} counted`;
  }
  if (inAll) return results.isAsking ? `${inAll}, reading more …` : inAll;
  if (results.isComplete) return loaded;
  return search.isAboutEvidence && results.isAsking ? `${loaded} so far, reading on …` : `${loaded} and more`;
}

/** The traces in which something happened. */
import type { JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { serverNow } from "../api/clock";
import { useShortcuts } from "../app/keyboard";
import { parameters, withParameters } from "../app/location";
import { searchPath } from "../app/routes";
import { readableStreams } from "../app/session";
import { Failure, Notice } from "../common/answer";
import { Command } from "../common/copy";
import { counted } from "../common/counted";
import { isWrongQuery } from "../query/errors";
import { ANY, rangeOf } from "../query/range";
import { commandFor } from "./command";
import { durationOf, type ListState, listStateOf, useList } from "./list";
import { ListFilters } from "./list_filters";
import { ListRow } from "./list_row";

export default function TracesPage(): JSX.Element {
  const state = listStateOf(parameters.value);
  const usual = useMemo(usualStreams, []);
  const counting = state.streams || usual.join();
  const text = JSON.stringify(state);
  const asked = useMemo(() => fieldsOf(state, usual), [text]);
  const list = useList("fields" in asked ? asked.fields : undefined);
  const input = useRef<HTMLInputElement>(null);
  const body = useRef<HTMLTableSectionElement>(null);
  const end = useRef<HTMLDivElement>(null);
  const longest = list.traces.reduce((most, { durationNanos }) => Math.max(most, Number(durationNanos)), 1);

  useMoreAtEnd(end, list.more, list.hasMore && !list.isReading && !list.error);
  const step = (by: number) => () => {
    const links = [...(body.current?.querySelectorAll<HTMLElement>("th a") ?? [])];
    const at = links.indexOf(document.activeElement as HTMLElement);
    links[Math.min(Math.max(at + by, 0), links.length - 1)]?.focus();
  };
  useShortcuts(
    [
      { key: "j", does: "next trace", run: step(1) },
      { key: "k", does: "previous trace", run: step(-1) },
      { key: "/", does: "write a query", run: () => input.current?.focus() },
    ],
    [],
  );
  const command = commandFor(state);
  return (
    <section class="traces">
      <h1>Traces</h1>
      <ListFilters
        state={state}
        streams={counting.split(",")}
        range={"fields" in asked ? asked.range : undefined}
        error={list.error}
        input={input}
      />
      {"problem" in asked && <Notice kind="error">{asked.problem}</Notice>}
      {list.error && !isWrongQuery(list.error) && <Failure error={list.error} />}
      {list.isUnprovedOmitted && (
        <Notice kind="error">
          Matching records that cannot be proved were skipped: they do not lead to traces.{" "}
          <a href={searchPath(state.query, { since: state.since, until: state.until, streams: counting })}>Search</a>{" "}
          shows them.
        </Notice>
      )}
      {list.later && (
        <Notice kind="note">
          {counted(list.later.count, "matching record is", "matching records are")} dated later, by clocks that are
          ahead: <a href={withParameters({ since: list.later.until, until: "any" })}>show their traces</a>
        </Notice>
      )}
      {list.traces.length > 0 && (
        <p class="quiet" id="trace-list-note">
          The mark is about the latest match only. Times, numbers, services and actors of a trace are what the server
          says: the trace's own page checks each entry.
        </p>
      )}
      {list.traces.length > 0 && (
        <table class="trace-list" aria-describedby="trace-list-note">
          <thead>
            <tr>
              <th scope="col">Latest match</th>
              <th scope="col">Began</th>
              <th scope="col">Took</th>
              <th scope="col">Entries</th>
              <th scope="col">Errors</th>
              <th scope="col">Services</th>
              <th scope="col">Actors</th>
            </tr>
          </thead>
          <tbody ref={body}>
            {list.traces.map((trace) => (
              <ListRow key={trace.traceId} trace={trace} longest={longest} />
            ))}
          </tbody>
        </table>
      )}
      <div ref={end} class="list-end">
        <span role="status">{statusOf(list, "fields" in asked)}</span>{" "}
        {(list.error ? !isWrongQuery(list.error) : list.hasMore) && !list.isReading && (
          <button type="button" onClick={list.more}>
            {list.error ? "try again" : "more traces"}
          </button>
        )}
      </div>
      {command ? (
        <Command text={command} />
      ) : (
        <p class="quiet">
          No command lists the same: <code>lognotary traces --stream</code> takes one stream.
        </p>
      )}
    </section>
  );
}

function statusOf({ traces, isReading, hasMore, error }: ReturnType<typeof useList>, isAsked: boolean): string {
  if (error || !isAsked) return "";
  if (isReading) return traces.length ? `${counted(traces.length, "trace")}, reading more …` : "Reading …";
  if (!traces.length) return "No trace matches: choose a longer time, or fewer conditions.";
  return hasMore ? counted(traces.length, "trace") : `${counted(traces.length, "trace")}, and that is all`;
}

/** Read more when the end of the list comes into view. */
function useMoreAtEnd(end: { current: HTMLElement | null }, more: () => void, isWanted: boolean): void {
  useEffect(() => {
    const element = end.current;
    if (!element || !isWanted) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && more(), { rootMargin: "400px" });
    observer.observe(element);
    return () => observer.disconnect();
  });
}

/** The streams in which a match counts unless others are chosen, as on the command line: all but spans. */
function usualStreams(): string[] {
  return readableStreams().filter((stream) => stream !== "spans");
}

/** The fields of the request, or why there is none. */
function fieldsOf(state: ListState, usual: readonly string[]) {
  const { query, streams, since, until, errors, least } = state;
  try {
    const shortest = least ? durationOf(least) : 0n;
    if (shortest === undefined) return { problem: `${least} is not a duration: write one such as 500ms or 2s` };
    // Without an end, the server's own, so that records of fast clocks count.
    const range = rangeOf(since, until || ANY, serverNow());
    const fields = {
      query,
      streams: streams || usual,
      ...range,
      with_errors: errors,
      min_duration_nanos: shortest ? String(shortest) : undefined,
    };
    return { fields, range };
  } catch (error) {
    if (error instanceof RangeError) return { problem: error.message };
    throw error;
  }
}

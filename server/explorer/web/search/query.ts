/** State of the search page, which is in its URL, and the requests that it leads to. */
import type { Fields } from "../api/client";
import type { Stream } from "../common/entry";
import { WITHOUT_WHO_LOOKED } from "../common/who_looked";
import { rangeOf, type TimeRange } from "../query/range";
import { namesField, needsParentheses } from "../query/terms";
import { columnsIn } from "./columns";

/** Everything that the URL says. */
export interface SearchState {
  readonly query: string;
  readonly streams: readonly Stream[];
  readonly since: string;
  readonly until: string;
  readonly columns: readonly string[];
  readonly oldestFirst: boolean;
  readonly wraps: boolean;
  /** The record that is shown beside the list: log#leaf#hash, or log#leaf; empty for none. */
  readonly open: string;
  readonly isLive: boolean;
  /** Field that splits the histogram. */
  readonly groupBy: string;
  /** True to find the records of who looked too, of which each search adds some. */
  readonly withAccess: boolean;
}

const ALL_STREAMS: readonly Stream[] = ["audit", "operational", "spans"];
export const DEFAULT_COLUMNS: readonly string[] = ["time", "stream", "service", "severity", "message"];
export const GROUPS: readonly string[] = ["stream", "severity", "outcome", "service", "category", "action"];

/**
 * The state that the parameters of a URL describe; what they get wrong has its default.
 *
 * @param readable streams that the reader may read
 */
export function stateOf(parameters: URLSearchParams, readable: readonly Stream[] = ALL_STREAMS): SearchState {
  const text = (name: string) => parameters.get(name) ?? "";
  const named = text("streams").split(",");
  const streams = readable.filter((stream) => named.includes(stream));
  const columns = columnsIn(text("columns"));
  return {
    query: text("q"),
    streams: streams.length ? streams : readable.filter((stream) => stream !== "spans"),
    since: text("since") || "24h",
    until: text("until"),
    columns: columns.length ? columns : DEFAULT_COLUMNS,
    oldestFirst: text("sort") === "oldest",
    wraps: text("wrap") === "1",
    open: text("open"),
    isLive: text("live") === "1",
    groupBy: GROUPS.includes(text("by")) ? text("by") : "stream",
    withAccess: text("access") === "1",
  };
}

/** A search: query, streams and a range of time that no longer depends on when it is asked. */
export interface Search extends TimeRange {
  /** The query that the server gets. */
  readonly query: string;
  /** Number of characters that it has before the query that the reader wrote. */
  readonly before: number;
  readonly streams: readonly Stream[];
  readonly oldestFirst: boolean;
  /** True if the query is about evidence, which is known only after records are read: they cannot be counted. */
  readonly isAboutEvidence: boolean;
}

/** The search of a state at a time, in nanoseconds since 1970. Throws RangeError for texts that are not a range. */
export function searchOf(state: SearchState, now: bigint): Search {
  const { query, before } = askedQuery(state);
  return {
    ...rangeOf(state.since, state.until, now),
    query,
    before,
    streams: state.streams,
    oldestFirst: state.oldestFirst,
    isAboutEvidence: namesField(state.query, "evidence"),
  };
}

/**
 * The query of a state for the server. Unless the reader asks for them, it leaves out records of who looked: each
 * search adds one, so that a list of the latest records would show little else.
 */
export function askedQuery({ query, streams, withAccess }: Pick<SearchState, "query" | "streams" | "withAccess">): {
  query: string;
  before: number;
} {
  const text = query.trimEnd();
  if (withAccess || !streams.includes("audit") || namesAccess(text)) return { query: text, before: 0 };
  if (!text.trim()) return { query: WITHOUT_WHO_LOOKED, before: 0 };
  // In front, so that no operator or field without a value at the end of the reader's query takes it in.
  const [start, end] = needsParentheses(text) ? ["(", ")"] : ["", ""];
  const front = `${WITHOUT_WHO_LOOKED} ${start}`;
  return { query: `${front}${text}${end}`, before: front.length };
}

/** Return whether a query is about the server's own records, such as those of who looked. */
export function namesAccess(query: string): boolean {
  return /lognotary\.access/i.test(query) || namesField(query, "sender");
}

/** Fields of a request about exactly the records of a search. */
export function fieldsOfSearch({ query, streams, since, until }: Search): Fields {
  return { query, streams, since, until };
}

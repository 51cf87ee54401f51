/** The marks of a range of time, as the server has them. */
import { ApiError, get } from "../api/client";
import type { Gap, Gaps, SearchAnswer } from "../api/types";
import { shownNumber } from "../common/counted";
import { entryOf } from "../common/entry";
import { nanosOf } from "../common/time";
import type { TimeRange } from "../query/range";
import { type Mark, markOfGap, markOfRecord } from "./marks";

/** Marks as they were asked for. */
export interface AskedMarks {
  readonly range: TimeRange;
  /** In the order of time. */
  readonly marks: readonly Mark[];
  /** Sentences about marks that could not be read. */
  readonly failures: readonly string[];
  /** Sentences about marks that are left out, since there are too many. */
  readonly limits: readonly string[];
}

// Starts of servers are many where they fail again and again: they must not push the others out of the answer.
const FINDINGS = "sender:server (event:lognotary.verification.finding OR action:key.rotate)";
const STARTS = "sender:server action:settings.start";
const MOST = 1000; // of each kind
const PAGE = 500;
const MOST_PAGES = 4; // each of them is a record of who looked, and a page may be empty

type Ask = typeof get;

/** Some of the marks. */
interface Part {
  readonly marks: readonly Mark[];
  readonly isCut: boolean;
}

/** Ask for the marks of a range. What cannot be read is named, and the others are there. Throws only if aborted. */
export async function marksOf(range: TimeRange, signal: AbortSignal, ask: Ask = get): Promise<AskedMarks> {
  const { since, until } = range;
  const asked: readonly (readonly [name: string, Promise<Part>])[] = [
    ["Gaps", gapsOf(range, signal, ask)],
    ["Findings and changes of keys", recordsOf(FINDINGS, range, signal, ask)],
    ["Starts of servers", recordsOf(STARTS, range, signal, ask)],
  ];
  const marks: Mark[] = [];
  const failures: string[] = [];
  const limits: string[] = [];
  const parts = await Promise.allSettled(asked.map(([, part]) => part));
  for (const [at, part] of parts.entries()) {
    const name = asked[at]?.[0] ?? "";
    if (part.status === "fulfilled") {
      marks.push(...part.value.marks);
      if (part.value.isCut)
        limits.push(`Only the latest ${shownNumber(part.value.marks.length)} ${name.toLowerCase()} are marked.`);
    } else if (part.reason instanceof ApiError) failures.push(`${name} could not be read: ${part.reason.message}`);
    else throw part.reason;
  }
  marks.sort((one, other) => (one.from < other.from ? -1 : one.from > other.from ? 1 : 0));
  return { range: { since, until }, marks, failures, limits };
}

async function gapsOf({ since, until }: TimeRange, signal: AbortSignal, ask: Ask): Promise<Part> {
  const { gaps, truncated } = await ask<Gaps>("/api/v1/gaps", { since, until, limit: MOST }, signal);
  return { marks: gaps.flatMap((gap: Gap) => markOfGap(gap, until)), isCut: truncated };
}

async function recordsOf(query: string, { since, until }: TimeRange, signal: AbortSignal, ask: Ask): Promise<Part> {
  const marks: Mark[] = [];
  let token = "";
  let pages = 0;
  do {
    const fields = { query, streams: "audit", since, until, page_size: PAGE, page_token: token };
    const answer = await ask<SearchAnswer>("/api/v1/search", fields, signal);
    marks.push(...answer.entries.map(entryOf).flatMap(markOfRecord));
    token = answer.nextPageToken;
    pages += 1;
  } while (token && marks.length < MOST && pages < MOST_PAGES);
  return { marks, isCut: token !== "" };
}

// A range until now ends later with each search, and every question is a record of who looked.
const FRESH = 60_000_000_000n; // nanoseconds

/** Return whether marks have all that happened in a range, but for its latest minute. */
export function areFresh(asked: AskedMarks | undefined, { since, until }: TimeRange): asked is AskedMarks {
  if (!asked || asked.failures.length > 0) return false;
  const { range } = asked;
  const begins = range.since === undefined || (since !== undefined && nanosOf(since) >= nanosOf(range.since));
  const ends = range.until === undefined || (until !== undefined && nanosOf(until) <= nanosOf(range.until) + FRESH);
  return begins && ends;
}

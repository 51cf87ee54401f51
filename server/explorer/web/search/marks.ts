/** Marks on the histogram: gaps, findings, changes of keys, starts of servers. */
import { ApiError, get } from "../api/client";
import type { SearchAnswer } from "../api/types";
import { type Entry, entryOf, titleOf } from "../common/entry";
import { nanosOf } from "../common/time";
import type { TimeRange } from "../query/range";

export type MarkKind = "finding" | "gap" | "key change" | "start";

/** Something that happened to the logs themselves, in [from, until]. */
export interface Mark {
  readonly kind: MarkKind;
  readonly from: bigint;
  readonly until: bigint;
  readonly text: string;
  /** The record that says so, as log#leaf. */
  readonly place?: string;
}

/** Shapes of marks, the most important first. */
export const MARK_SHAPES: Readonly<Record<MarkKind, string>> = {
  finding: "✘",
  gap: "⋯",
  "key change": "⚷",
  start: "▲",
};

const QUERY = "sender:server (event:lognotary.verification.finding OR action:key.rotate OR action:settings.start)";
const MOST = 200;

/** A gap of `/api/v1/gaps`; one without an end lasts. */
interface Gap {
  readonly origin: string;
  readonly since?: string;
  readonly until?: string;
}

/** The marks of a range of time, in order. Throws as `get`. */
export async function marksOf(range: TimeRange, signal: AbortSignal): Promise<Mark[]> {
  const { since, until } = range;
  const [gaps, records] = await Promise.all([
    gapsOf(range, signal),
    get<SearchAnswer>("/api/v1/search", { query: QUERY, streams: "audit", since, until, page_size: MOST }, signal),
  ]);
  return [...gaps, ...records.entries.map(entryOf).flatMap(markOfRecord)].sort((one, other) =>
    one.from < other.from ? -1 : 1,
  );
}

async function gapsOf({ since, until }: TimeRange, signal: AbortSignal): Promise<Mark[]> {
  try {
    const { gaps } = await get<{ gaps: Gap[] }>("/api/v1/gaps", { since, until }, signal);
    return gaps.flatMap((gap) => markOfGap(gap, until));
  } catch (error) {
    if (error instanceof ApiError) return []; // the other marks are worth showing, and Logs tells of gaps too
    throw error;
  }
}

/** The mark of a gap; one that lasts goes on until the end of the range. */
export function markOfGap({ origin, since, until }: Gap, end: string | undefined): Mark[] {
  const last = until ?? end;
  if (!since || !last || since >= last) return [];
  const lasts = until ? "" : ", which lasts";
  const text = `gap${lasts}: nobody signed a statement of ${origin || "a log"}`;
  return [{ kind: "gap", from: nanosOf(since), until: nanosOf(last), text }];
}

/** The mark of one of the server's own records. */
export function markOfRecord(entry: Entry): Mark[] {
  if (entry.stream !== "audit") return [];
  const { audit, eventName, body } = entry.record;
  const kind: MarkKind =
    eventName === "lognotary.verification.finding"
      ? "finding"
      : audit?.action === "key.rotate"
        ? "key change"
        : "start";
  const text = kind === "start" ? `start of writer ${audit?.targetId ?? ""}` : body || titleOf(entry);
  const { evidence, nanos } = entry;
  const place = evidence?.logId ? `${evidence.logId}#${evidence.leafIndex}` : undefined;
  return [{ kind, from: nanos, until: nanos, text: text.slice(0, 300), place }];
}

/** Marks as they were asked for. */
export interface AskedMarks {
  readonly range: TimeRange;
  readonly marks: readonly Mark[];
}

// A range until now ends later with each search, and every question is a record of who looked.
const FRESH = 60_000_000_000n; // nanoseconds

/** Return whether marks have all that happened in a range, but for its latest minute. */
export function areFresh(asked: AskedMarks | undefined, { since, until }: TimeRange): asked is AskedMarks {
  if (!asked) return false;
  const { range } = asked;
  const begins = range.since === undefined || (since !== undefined && nanosOf(since) >= nanosOf(range.since));
  const ends = range.until === undefined || (until !== undefined && nanosOf(until) <= nanosOf(range.until) + FRESH);
  return begins && ends;
}

/** Marks that would be over each other, as one. */
export interface MarkGroup {
  /** Place from 0 to 1 on the axis of time. */
  readonly at: number;
  readonly marks: readonly Mark[];
}

/** The marks in each of so many parts of a range. */
export function groupMarks(marks: readonly Mark[], since: bigint, until: bigint, parts = 40): MarkGroup[] {
  const groups = new Map<number, Mark[]>();
  const length = until - since;
  if (length <= 0n) return [];
  for (const mark of marks) {
    const from = mark.from < since ? since : mark.from;
    if (from > until || mark.until < since) continue;
    const part = Math.min(Number(((from - since) * BigInt(parts)) / length), parts - 1);
    groups.set(part, [...(groups.get(part) ?? []), mark]);
  }
  return [...groups]
    .sort(([one], [other]) => one - other)
    .map(([part, found]) => ({ at: (part + 0.5) / parts, marks: found }));
}

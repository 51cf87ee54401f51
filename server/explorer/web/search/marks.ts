/** Marks on the histogram: gaps, findings, changes of keys, starts of servers; pure. */
import type { Gap } from "../api/types";
import { type Entry, titleOf } from "../common/entry";
import { beginningOf } from "../common/text";
import { nanosOf } from "../common/time";

type MarkKind = "finding" | "gap" | "key change" | "start";

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

/** The mark of a gap; one that lasts goes on until the end of the range. */
export function markOfGap(
  { origin, since, until }: Pick<Gap, "origin" | "since" | "until">,
  end: string | undefined,
): Mark[] {
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
  return [{ kind, from: nanos, until: nanos, text: beginningOf(text, 300), place }];
}

/** Marks that would be over each other, as one. */
export interface MarkGroup {
  /** Number of the part of the range, from 0. */
  readonly part: number;
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
    .map(([part, found]) => ({ part, at: (part + 0.5) / parts, marks: found }));
}

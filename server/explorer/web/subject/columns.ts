/** Columns of a histogram by outcome. */
import type { Histogram } from "../api/types";
import { outcomeOf } from "./outcomes";

/** A column: its range in RFC 3339, and the number of events with each outcome. */
export interface OutcomeColumn {
  since: string;
  until: string;
  count: number;
  success: number;
  failure: number;
  unknown: number;
}

/** The columns of a histogram that is grouped by outcome, and the largest number of events in one, at least 1. */
export function outcomeColumns({ buckets, groups }: Histogram): { columns: OutcomeColumn[]; most: number } {
  const outcomes = groups.map(({ value }) => outcomeOf(value));
  const columns = buckets.map(({ start = "", end = "", count, groupCounts }) => {
    const column = { since: start, until: end, count: Number(count), success: 0, failure: 0, unknown: 0 };
    groupCounts.forEach((each, index) => {
      column[outcomes[index] ?? "unknown"] += Number(each);
    });
    return column;
  });
  return { columns, most: Math.max(1, ...columns.map(({ count }) => count)) };
}

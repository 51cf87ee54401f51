/** Periods of a trace in which nothing happened. Pure. */
import type { Layout } from "./layout";

export interface Period {
  /** Nanoseconds since the base of the layout. */
  from: number;
  to: number;
}

/** A period counts from this part of the trace's duration on. */
const LEAST_PART = 0.05;
const LEAST = 1_000_000; // 1 ms: shorter ones say nothing across machines
const MOST = 3;

/**
 * The longest periods in which no entry is dated and no span ran, save spans that only waited for their child spans.
 *
 * @returns in order of time, at most 3
 */
export function quietPeriods({ rows, first, last }: Layout): Period[] {
  const busy: Period[] = [{ from: last, to: last }];
  for (const row of rows) {
    if (row.kind === "missing" || !row.isPlausible) continue;
    if (row.kind === "span" && row.hasChildSpans) {
      busy.push({ from: row.begin, to: row.begin }, { from: row.end, to: row.end });
    } else busy.push({ from: row.begin, to: row.end });
  }
  busy.sort((one, other) => one.from - other.from);
  const least = Math.max((last - first) * LEAST_PART, LEAST);
  const found: Period[] = [];
  let until = first;
  for (const { from, to } of busy) {
    if (from - until >= least) found.push({ from: until, to: from });
    if (to > until) until = to;
  }
  found.sort((one, other) => length(other) - length(one));
  return found.slice(0, MOST).sort((one, other) => one.from - other.from);
}

export const length = ({ from, to }: Period): number => to - from;

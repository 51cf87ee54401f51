/** Bars of a histogram's answer: places, order of the stack, and colours; pure. */
import type { Histogram } from "../api/types";
import { ownOf } from "../common/own";
import { nanosOf } from "../common/time";
import type { Bars } from "./chart";

type Group = Histogram["groups"][number];

/** Bars with the place of each of their groups in the answer. */
export type OrderedBars = Bars & { readonly order: readonly number[] };

// The most alarming is at the top of the stack, where its changes are seen; the others by their number of records.
const ALARM: Readonly<Record<string, number>> = {
  fatal: 5,
  error: 4,
  warn: 3,
  failure: 4,
  tampered: 5,
  unknown: 2,
  audit: 3,
};
const COLOURS: Readonly<Record<string, string>> = {
  fatal: "--bad",
  error: "--bad",
  failure: "--bad",
  warn: "--chart-2",
  info: "--chart-1",
  success: "--chart-1",
  debug: "--chart-4",
  trace: "--chart-5",
  audit: "--audit",
  operational: "--chart-1",
  spans: "--chart-4",
};
const OTHERS = ["--chart-1", "--chart-2", "--chart-3", "--chart-4", "--chart-5", "--chart-6", "--audit"];

/** The name of a group for people. */
export function groupName({ value, isOther }: Pick<Group, "value" | "isOther">, groupBy: string): string {
  if (isOther) return "all others";
  if (groupBy === "stream" && value === "operational") return "logs";
  return value || `no ${groupBy}`;
}

/** The bars of an answer; undefined if it has no range. */
export function barsOf(answer: Histogram, groupBy: string): OrderedBars | undefined {
  const { since, until, buckets, groups } = answer;
  const step = BigInt(answer.stepNanos);
  if (!since || !until || step <= 0n || buckets.length === 0) return undefined;
  const millis = (nanos: bigint) => Number(nanos / 1_000_000n);
  // The first bucket is cut to the range; drawn from its whole start, all bars are of one width.
  const starts = buckets.map(({ start = since }) => millis((nanosOf(start) / step) * step));
  const order = groups.map((_, at) => at).sort((one, other) => rank(groups[one]) - rank(groups[other]) || one - other);
  return {
    starts,
    stepMillis: Number(step) / 1e6,
    since: millis(nanosOf(since)),
    until: Number((nanosOf(until) + 999_999n) / 1_000_000n),
    groups: order.map((at) => {
      const group = groups[at];
      return {
        name: group ? groupName(group, groupBy) : "",
        colour: colourOf(group, at, groupBy),
        counts: buckets.map(({ groupCounts }) => Number(groupCounts[at] ?? 0)),
      };
    }),
    order,
  };
}

const rank = (group: Group | undefined): number => (group?.isOther ? -1 : (ownOf(ALARM, group?.value ?? "") ?? 0));

function colourOf(group: Group | undefined, at: number, groupBy: string): string {
  if (group?.isOther || !group?.value) return "--chart-6";
  const isFixed = groupBy === "stream" || groupBy === "severity" || groupBy === "outcome";
  return (isFixed ? ownOf(COLOURS, group.value) : undefined) ?? OTHERS[at % OTHERS.length] ?? "--chart-1";
}

/** Words for what a reader should know about an entry. Pure. */
import { shownDuration, textOf } from "../common/time";
import type { Layout, Row } from "./layout";
import type { Note } from "./node";

/** Sentences about a row, each with what it means. */
export function sentencesOf(row: Row, layout: Layout): string[] {
  const sentences = row.notes.map((note) => sentence(note, row, layout));
  const { entry } = row;
  // The details are JSON, in which a text of the sender has backslashes before its quotes.
  const details = entry?.stream === "spans" ? entry.span.otlpDetails : entry?.record.otlpDetails;
  if (details?.includes('"time":"unset"')) {
    const isObserved = entry?.stream !== "spans" && entry?.record.observedTimestamp;
    const shown = isObserved ? "the time at which it was observed" : "the time of receipt";
    sentences.push(`It was sent without a time: the time shown is ${shown}.`);
  }
  return sentences;
}

function sentence(note: Note, row: Row, { rows, base }: Layout): string {
  switch (note) {
    case "duplicate span":
      return "Another span of this trace has the same ID. Entries that name this ID are shown under the span of their own service.";
    case "cycle":
      return "Its parents lead back to itself, so it is shown without a parent.";
    case "begins before its parent": {
      const by = (rows[row.parent]?.begin ?? row.begin) - row.begin;
      return `It begins ${durationText(by)} before its parent: clocks differ. Times are shown as they were sent.`;
    }
    case "no end":
      return "It was sent without an end: it had not ended, or its sender does not say when.";
    case "ends before it begins":
      return "It was sent with an end before its beginning, so its duration is not known.";
    case "implausible time": {
      const time = textOf(base + BigInt(Math.round(row.begin)));
      return `Its time, ${time}, is not plausible: the sender's clock is wrong. The times of the trace leave it out.`;
    }
    case "unknown span":
      return `It names the span ${row.spanId}, which is not there: not sent, or not received. It is shown at its time.`;
    case "no span":
      return "It names no span: it is shown at its time.";
  }
}

/** A duration in nanoseconds for people. */
export const durationText = (nanos: number): string => shownDuration(BigInt(Math.round(nanos)));

/**
 * A time from the start of the trace, with its sign.
 *
 * @param step nanoseconds that readers have to tell apart, for more than three digits
 */
export function offsetText(nanos: number, step = Number.POSITIVE_INFINITY): string {
  if (nanos === 0) return "0";
  const isFine = step < 10 ** (Math.floor(Math.log10(Math.abs(nanos))) - 2);
  return `${nanos < 0 ? "" : "+"}${isFine ? tickText(nanos, step) : durationText(nanos)}`;
}

const UNITS: readonly [number, string][] = [
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
  [1, "ns"],
];

/** A time of the axis, with as many digits as marks that are `step` apart need. */
export function tickText(nanos: number, step: number): string {
  if (Math.abs(nanos) >= 60e9 && step >= 1e9) return durationText(nanos);
  const [factor, unit] = UNITS.find(([least]) => Math.abs(nanos) >= least) ?? [1, "ns"];
  const digits = Math.max(0, Math.ceil(-Math.log10(step / factor) - 1e-9));
  return `${(nanos / factor).toFixed(Math.min(digits, 9))} ${nanos === 0 ? "" : unit}`.trim();
}

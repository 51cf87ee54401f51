/** The rows of a trace that are shown: those that match filters and zoomed time, and the spans around them. Pure. */
import { type Entry, isError, mayBeUnsigned, titleOf } from "../common/entry";
import type { Layout, Row } from "./layout";

/** The kinds of entries to show. */
export const SHOWN_KINDS = ["all", "audit", "records", "spans"] as const;
export type ShownKinds = (typeof SHOWN_KINDS)[number];

export interface Filter {
  kinds: ShownKinds;
  /** Only what failed. */
  errors: boolean;
  /** Only this service; empty for all. */
  service: string;
  /** Text that occurs in the entry, ignoring case; empty for any. */
  text: string;
  /** Only what happened in this time, in nanoseconds since the base of the layout. */
  time: { from: number; to: number } | undefined;
}

export const EVERYTHING: Filter = { kinds: "all", errors: false, service: "", text: "", time: undefined };

/**
 * Spans that hide what is under them: those of the set. With `isAll`, all that have a parent hide it, save those of the
 * set, and so do those of the set without a parent.
 */
export interface Collapsed {
  isAll: boolean;
  except: ReadonlySet<string>;
}

export interface Visible {
  /** Indexes of the rows of the layout that are shown. */
  indexes: readonly number[];
  /** By index of the layout: 1 if the row matches, 0 if it is only shown as the surroundings of others. */
  matches: Uint8Array;
  /** Number of entries that match, including those that are hidden in a collapsed span. */
  count: number;
}

/** Return whether nothing is filtered. */
export const isEverything = ({ kinds, errors, service, text, time }: Filter): boolean =>
  kinds === "all" && !errors && !service && !text && !time;

/** Return whether an entry cannot be proved: such entries are shown whatever the filters, as on the command line. */
export function isDoubtful(entry: Entry | undefined): boolean {
  if (!entry || mayBeUnsigned(entry)) return false;
  return entry.evidence?.state !== "VERIFIED" && entry.evidence?.state !== "SIGNED";
}

/** Return whether a row hides what is under it. */
export const isCollapsed = (row: Row, { isAll, except }: Collapsed): boolean =>
  row.size > 0 && except.has(row.spanId) !== (isAll && row.depth > 0);

const NONE: ReadonlySet<string> = new Set();

/**
 * Find the rows to show.
 *
 * @param refuted keys of entries that this browser refuted, which are shown whatever the filter
 */
export function visibleOf({ rows }: Layout, filter: Filter, collapsed: Collapsed, refuted = NONE): Visible {
  const matches = new Uint8Array(rows.length);
  const shown = new Uint8Array(rows.length);
  const isWhole = isEverything(filter);
  const text = filter.text.toLowerCase();
  let count = 0;
  rows.forEach((row, index) => {
    const isShown = isWhole || (row.entry && refuted.has(row.entry.key)) || matchesFilter(row, filter, text);
    if (!isShown) return;
    matches[index] = 1;
    if (row.entry) count += 1;
    for (let at = index; at >= 0 && !shown[at]; at = rows[at]?.parent ?? -1) shown[at] = 1;
  });
  const indexes: number[] = [];
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index] as Row;
    if (!shown[index]) continue;
    indexes.push(index);
    if (isCollapsed(row, collapsed)) index += row.size;
  }
  return { indexes, matches, count };
}

function matchesFilter(row: Row, { kinds, errors, service, time }: Filter, text: string): boolean {
  const { entry } = row;
  if (!entry) return false;
  if (isDoubtful(entry)) return true;
  if (kinds === "audit" ? row.kind !== "audit" : kinds !== "all" && (kinds === "spans") !== (row.kind === "span")) {
    return false;
  }
  if (service && entry.service !== service) return false;
  if (errors && !isError(entry)) return false;
  if (time && (row.begin > time.to || row.end < time.from)) return false;
  return !text || textsOf(entry).some((one) => one.toLowerCase().includes(text));
}

/** The texts in which a reader's text is looked for. */
function textsOf(entry: Entry): string[] {
  if (entry.stream === "spans") {
    const { spanId, statusMessage, attributes, events } = entry.span;
    return [entry.span.name, spanId, statusMessage, ...pairs(attributes), ...events.map(({ name }) => name)];
  }
  const { body, eventName, spanId, logAttributes } = entry.record;
  return [titleOf(entry), body, eventName, spanId, ...pairs(logAttributes)];
}

const pairs = (attributes: Record<string, string>): string[] =>
  Object.entries(attributes).map(([key, value]) => `${key}=${value}`);

/**
 * Find the next row that fits, among those that match the filter, also in collapsed spans; around the end if needed.
 *
 * @param from index of the row to start after, -1 for the beginning
 * @param step 1 forwards, -1 backwards
 * @returns its index, or undefined if no row fits
 */
export function nextRow(
  { rows }: Layout,
  { matches }: Visible,
  from: number,
  step: 1 | -1,
  fits: (row: Row) => boolean,
): number | undefined {
  const count = rows.length;
  const start = from < 0 && step < 0 ? 0 : from;
  for (let passed = 1; passed <= count; passed += 1) {
    const index = (((start + step * passed) % count) + count) % count;
    const row = rows[index];
    if (row && matches[index] && fits(row)) return index;
  }
  return undefined;
}

/** The collapsed spans without those around a row, so that it is seen. */
export function revealed({ rows }: Layout, index: number, collapsed: Collapsed): Collapsed {
  const except = new Set(collapsed.except);
  for (let row = rows[rows[index]?.parent ?? -1]; row; row = rows[row.parent]) {
    if (!isCollapsed(row, collapsed)) continue;
    if (!except.delete(row.spanId)) except.add(row.spanId);
  }
  return { isAll: collapsed.isAll, except };
}

/** Ranges of time: relative ones such as `90m`, which end now, and absolute ones. */
import type { Zone } from "../app/preferences";
import { nanosOf, shownTime, textOf } from "../common/time";

/** Ends of a range in RFC 3339; open where one is missing. */
export interface TimeRange {
  readonly since?: string;
  readonly until?: string;
}

/** Relative ranges to choose from. */
export const PRESETS: readonly string[] = ["15m", "1h", "6h", "24h", "3d", "7d", "30d"];

/** No limit, as an end of a range. */
export const ANY = "any";

const UNITS: Record<string, bigint> = { s: 1n, m: 60n, h: 3600n, d: 86_400n, w: 604_800n };
const NAMES: Record<string, string> = { s: "second", m: "minute", h: "hour", d: "day", w: "week" };
const SECOND = 1_000_000_000n;

/** The length of a relative range such as 90m, in nanoseconds; undefined for another text. */
export function lengthOf(text: string): bigint | undefined {
  const found = /^(\d{1,6})([smhdw])$/.exec(text.trim());
  const length = found ? BigInt(found[1] ?? "") * (UNITS[found[2] ?? ""] ?? 0n) * SECOND : 0n;
  return length > 0n ? length : undefined;
}

/**
 * The range between two texts of the URL: `since` relative, absolute or `any`; `until` absolute, `any`, or empty for now.
 *
 * Throws RangeError, with a message for people, if there is no such range.
 */
export function rangeOf(since: string, until: string, now: bigint): TimeRange {
  const end = until === ANY ? undefined : until ? absolute(until) : now;
  const length = lengthOf(since);
  const start = since === ANY ? undefined : length === undefined ? absolute(since) : (end ?? now) - length;
  if (start !== undefined && end !== undefined && start >= end) {
    throw new RangeError("the range of time ends before it begins: choose a later end or an earlier start");
  }
  return { since: start === undefined ? undefined : textOf(start), until: end === undefined ? undefined : textOf(end) };
}

function absolute(text: string): bigint {
  try {
    return nanosOf(text);
  } catch {
    throw new RangeError(`${text} is not a range of time: write one such as 90m, 6h or 7d, or two times`);
  }
}

/** A name of a range for people. */
export function rangeName(since: string, until: string, zone: Zone): string {
  const length = /^(\d+)([smhdw])$/.exec(since.trim());
  if (length && !until) {
    const unit = NAMES[length[2] ?? ""] ?? "";
    return length[1] === "1" ? `last ${unit}` : `last ${length[1]} ${unit}s`;
  }
  const end = until === ANY ? "the last record" : until ? shownEnd(until, zone) : "now";
  const start = since === ANY ? "the first record" : length ? `${since} before` : shownEnd(since, zone);
  return `${start} to ${end}`;
}

function shownEnd(text: string, zone: Zone): string {
  try {
    const { date, time } = shownTime(nanosOf(text), zone, 0);
    return `${date} ${time}`;
  } catch {
    return text;
  }
}

/** A range of twice the length: a relative one stays relative, an absolute one grows at both ends. */
export function zoomedOut(since: string, until: string, now: bigint): { since: string; until: string } {
  if (since === ANY) return { since, until };
  const length = lengthOf(since);
  if (length !== undefined && !until) {
    const seconds = (2n * length) / SECOND;
    const unit = seconds % 86_400n === 0n ? "d" : seconds % 3600n === 0n ? "h" : seconds % 60n === 0n ? "m" : "s";
    return { since: `${seconds / (UNITS[unit] ?? 1n)}${unit}`, until: "" };
  }
  const end = until && until !== ANY ? nanosOf(until) : now;
  const start = length === undefined ? nanosOf(since) : end - length;
  const half = (end - start) / 2n;
  const later = end + half;
  return { since: textOf(start - half), until: later > now ? "" : textOf(later) };
}

/** A time as a field of a form takes it (datetime-local), in a zone. */
export function localText(nanos: bigint, zone: Zone): string {
  const { date, time } = shownTime(nanos, zone, 0);
  return `${date}T${time}`;
}

/** The time in RFC 3339 of a field of a form, in a zone; undefined if it has none. */
export function fromLocalText(text: string, zone: Zone): string | undefined {
  const found = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2})?(\.\d+)?$/.exec(text.trim());
  if (!found) return undefined;
  const whole = `${found[1]}T${found[2]}${found[3] ?? ":00"}`;
  const date = new Date(zone === "utc" ? `${whole}Z` : whole);
  if (Number.isNaN(date.getTime())) return undefined;
  return date.toISOString().replace(".000Z", "Z");
}

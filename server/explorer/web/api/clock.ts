/** The server's clock, as far as its answers tell it: what a browser's own clock says may be wrong by hours. */

/** Bounds of server time minus browser time, in milliseconds. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
}

const UNKNOWN: Bounds = { least: -Infinity, most: Infinity };
// The header Date has whole seconds (RFC 9110, section 5.6.7), and the server makes a new one once a second.
const IMPRECISION = 2000; // ms

/**
 * Bounds that an answer narrows. A clock that was set meanwhile makes them start again.
 *
 * @param before bounds so far
 * @param date time of the answer by the server's clock, or up to two seconds before, in milliseconds since 1970
 * @param sent when it was asked, by the browser's clock
 * @param received when it was there, by the browser's clock
 */
export function narrowed(before: Bounds, date: number, sent: number, received: number): Bounds {
  const now = { least: date - received, most: date + IMPRECISION - sent };
  const both = { least: Math.max(before.least, now.least), most: Math.min(before.most, now.most) };
  return both.least <= both.most ? both : now;
}

/**
 * The difference to add to the browser's clock: none while the two may agree. Else the largest, so that a range that
 * ends now has the latest records, too: a Date may be older than the answer.
 */
export const differenceOf = ({ least, most }: Bounds): number => (least <= 0 && most >= 0 ? 0 : most);

let bounds = UNKNOWN;

/** Learn from the header Date of an answer; proxies may have left it out. */
export function learnTime(date: string | null, sent: number, received: number): void {
  const time = date === null ? Number.NaN : Date.parse(date);
  if (!Number.isNaN(time)) bounds = narrowed(bounds, time, sent, received);
}

/** The time now by the server's clock, in nanoseconds since 1970. */
export const serverNow = (): bigint => BigInt(Math.round(Date.now() + differenceOf(bounds))) * 1_000_000n;

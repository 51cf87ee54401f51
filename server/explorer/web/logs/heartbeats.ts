/**
 * Times between the heartbeats of a log, from which a late one is recognized as the server recognizes gaps
 * (docs/api.md).
 */

const SECOND = 1_000_000_000n;
const FEWEST = 3; // heartbeats from which on the time between them is known
const TIMES = 3n;
const SHORTEST = 60n * SECOND;
const IF_UNKNOWN = 1800n * SECOND;

/**
 * Return whether the next heartbeat is late: later than three times the median of the times between the latest.
 *
 * @param signed when the latest heartbeats were signed, in nanoseconds since 1970, the latest first; at least one
 * @param now time now, in the same
 */
export function isLate(signed: readonly bigint[], now: bigint): boolean {
  const [latest = now] = signed;
  const times = signed.slice(1).map((before, at) => (signed[at] ?? before) - before);
  const sorted = times.sort((one, other) => (one < other ? -1 : 1));
  const usual = signed.length < FEWEST ? undefined : sorted[Math.floor((sorted.length - 1) / 2)];
  const longest = usual === undefined ? IF_UNKNOWN : usual * TIMES;
  return now - latest > (longest < SHORTEST ? SHORTEST : longest);
}

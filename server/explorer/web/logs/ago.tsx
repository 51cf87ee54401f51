/** Times with their ages. */
import type { JSX } from "preact";
import { Moment } from "../common/moment";
import { nanosOf, shownDuration } from "../common/time";

const SECOND = 1_000_000_000n;

/** An age in whole seconds, for people: 42 s ago. */
export function agoOf(at: bigint, now: bigint): string {
  const age = ((now - at) / SECOND) * SECOND;
  // The page's clock moves in steps, so what just happened may be ahead of it.
  if (age <= 0n && age > -60n * SECOND) return "now";
  return age < 0n ? `in ${shownDuration(-age)}` : `${shownDuration(age)} ago`;
}

/** A time and how long ago it was; nothing if there is none. */
export function Ago({ at, now }: { at: string | bigint | undefined; now: bigint }): JSX.Element | null {
  if (at === undefined) return null;
  const nanos = typeof at === "bigint" ? at : nanosOf(at);
  return (
    <span class="ago">
      <Moment at={nanos} /> <span class="quiet">{agoOf(nanos, now)}</span>
    </span>
  );
}

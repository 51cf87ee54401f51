/** Times of answers, in the zone that the reader chose. */
import type { JSX } from "preact";
import { zone } from "../app/preferences";
import { nanosOf, shownTime, textOf, zoneName } from "./time";

interface Props {
  at: string | bigint | undefined;
  /** Digits of the fraction of a second. */
  digits?: number;
  /** Leave seconds out. */
  isShort?: boolean;
}

/** A time on a line; its title has all digits, in UTC. Nothing if there is no time. */
export function Moment({ at, digits = 0, isShort = false }: Props): JSX.Element | null {
  if (at === undefined) return null;
  const nanos = typeof at === "bigint" ? at : nanosOf(at);
  const { date, time } = shownTime(nanos, zone.value, digits);
  return (
    <time class="moment" dateTime={htmlTime(nanos)} title={textOf(nanos)}>
      {date} {isShort ? time.slice(0, 5) : time}
    </time>
  );
}

/** The name of the zone at a time, for the head of a column. */
export function ZoneName({ at }: { at: bigint }): JSX.Element {
  return <>{zoneName(at, zone.value)}</>;
}

/** A time as HTML knows it, which has milliseconds. */
function htmlTime(nanos: bigint): string {
  return new Date(Number(nanos / 1_000_000n)).toISOString();
}

/** Times with nanoseconds, which a Date does not have. */
import type { Zone } from "../app/preferences";

const RFC3339 = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/;

/** Nanoseconds since 1970 of a time in RFC 3339; throws RangeError for anything else. */
export function nanosOf(text: string): bigint {
  const nanos = nanosIn(text);
  if (nanos === undefined) throw new RangeError(`${text} is not a time in RFC 3339`);
  return nanos;
}

/** Nanoseconds since 1970 of a time in RFC 3339; undefined for anything else. */
export function nanosIn(text: string): bigint | undefined {
  const [, local, fraction = "", zone] = RFC3339.exec(text) ?? [];
  const millis = Date.parse(`${local}${zone}`);
  // A day that a month does not have, or hour 24, is taken for a later one.
  const isReal = !Number.isNaN(millis) && new Date(`${local}Z`).toISOString().slice(0, 19) === local;
  return isReal ? BigInt(millis) * 1_000_000n + BigInt(fraction.padEnd(9, "0")) : undefined;
}

/** A time in RFC 3339 and UTC, with as many digits of its nanoseconds as it needs: 0, 3, 6 or 9. */
export function textOf(nanos: bigint): string {
  const { seconds, rest } = split(nanos);
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}${fraction(rest)}Z`;
}

/** A time for people: date, time and fraction in a zone, which is not in the text. */
export function shownTime(nanos: bigint, zone: Zone, digits = 3): { date: string; time: string } {
  const { seconds, rest } = split(nanos);
  const date = new Date(seconds * 1000);
  const shift = zone === "utc" ? 0 : date.getTimezoneOffset() * 60_000;
  const text = new Date(date.getTime() - shift).toISOString();
  const shown = String(rest).padStart(9, "0").slice(0, digits);
  return { date: text.slice(0, 10), time: `${text.slice(11, 19)}${digits ? `.${shown}` : ""}` };
}

/** The name of a zone at a time, such as UTC or UTC+01:00. */
export function zoneName(nanos: bigint, zone: Zone): string {
  if (zone === "utc") return "UTC";
  const minutes = -new Date(Number(nanos / 1_000_000n)).getTimezoneOffset();
  if (minutes === 0) return "UTC";
  const two = (value: number) => String(value).padStart(2, "0");
  return `UTC${minutes < 0 ? "-" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
}

/** A duration for people, with three digits: 93 ns, 4.59 ms, 1.25 s, 3 min 20 s, 2 h 5 min, 3 d 4 h. */
export function shownDuration(nanos: bigint): string {
  if (nanos < 0n) return `-${shownDuration(-nanos)}`;
  const value = Number(nanos);
  if (value < 1e3) return `${value} ns`;
  if (value < 1e6) return `${three(value / 1e3)} µs`;
  if (value < 1e9) return `${three(value / 1e6)} ms`;
  if (value < 60e9) return `${three(value / 1e9)} s`;
  const seconds = Math.floor(value / 1e9);
  if (seconds < 3600) return pair(Math.floor(seconds / 60), "min", seconds % 60, "s");
  if (seconds < 86400) return pair(Math.floor(seconds / 3600), "h", Math.floor((seconds % 3600) / 60), "min");
  return pair(Math.floor(seconds / 86400), "d", Math.floor((seconds % 86400) / 3600), "h");
}

function pair(more: number, unit: string, less: number, lesser: string): string {
  return less ? `${more} ${unit} ${less} ${lesser}` : `${more} ${unit}`;
}

function three(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function split(nanos: bigint): { seconds: number; rest: bigint } {
  const rest = ((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return { seconds: Number((nanos - rest) / 1_000_000_000n), rest };
}

function fraction(rest: bigint): string {
  if (rest === 0n) return "";
  const digits = String(rest).padStart(9, "0");
  return `.${digits.replace(/(?:000){1,2}$/, "")}`;
}

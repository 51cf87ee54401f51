/** Ages, such as 7d, in place of times. */
import { ownOf } from "./own";
import { textOf } from "./time";

/** Seconds in each unit of an age. */
const UNITS: Readonly<Record<string, bigint>> = { s: 1n, m: 60n, h: 3600n, d: 86_400n, w: 604_800n };

/** The length of an age such as 90m, in nanoseconds; undefined for another text. */
export function lengthOf(text: string): bigint | undefined {
  const [, number = "", unit = ""] = /^(\d{1,6})([smhdw])$/.exec(text.trim()) ?? [];
  const length = BigInt(number) * (ownOf(UNITS, unit) ?? 0n) * 1_000_000_000n;
  return length > 0n ? length : undefined;
}

/** A time as the API takes it: an age is counted back from now; everything else is left to the server to judge. */
export function timeOf(text: string, now: bigint): string | undefined {
  const length = lengthOf(text);
  return length === undefined ? text.trim() || undefined : textOf(now - length);
}

/** Ages, such as 7d, as the command line takes them in place of times. */
import { ownOf } from "./own";
import { textOf } from "./time";

const UNITS: Record<string, bigint> = { m: 60n, h: 3600n, d: 86_400n, w: 604_800n };

/** A time as the API takes it: an age is counted back from now; everything else is left to the server to judge. */
export function timeOf(text: string, now: bigint): string | undefined {
  const [, number, unit = ""] = /^(\d{1,5})([mhdw])$/.exec(text.trim()) ?? [];
  const seconds = ownOf(UNITS, unit);
  if (number === undefined || seconds === undefined) return text.trim() || undefined;
  return textOf(now - BigInt(number) * seconds * 1_000_000_000n);
}

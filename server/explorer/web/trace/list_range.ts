/** Ranges of time of the list. */
import { nanosOf, textOf } from "../shared/time";

export const PRESETS = ["15m", "1h", "6h", "24h", "3d", "7d", "30d"];
const UNITS: Record<string, bigint> = { s: 1n, m: 60n, h: 3600n, d: 86_400n, w: 604_800n };

export function rangeOf(since: string, until: string, now: bigint): { since?: string; until?: string } {
  const found = /^(\d{1,6})([smhdw])$/.exec(since);
  const start = found ? now - BigInt(found[1] ?? 0) * (UNITS[found[2] ?? ""] ?? 0n) * 1_000_000_000n : undefined;
  const absolute = (text: string) => (text && text !== "any" ? textOf(nanosOf(text)) : undefined);
  return { since: start === undefined ? absolute(since) : textOf(start), until: absolute(until) };
}

/** A record as people read it: what record.json of a bundle says (docs/writing-a-verifier.md, bundles). */
import { base64Of, hexOf, textOf } from "./bytes";
import { type Column, decodeRecord, type Pairs, type Value, versionOf } from "./canonical";
import { type Kind, type Stream, streamOf } from "./columns";
import type { Json } from "./json";
import { sha256 } from "./sha256";

/** A record of a log, decoded. */
export interface ReadRecord {
  readonly origin: string;
  readonly stream: Stream;
  readonly leafIndex: bigint;
  readonly version: number;
  /** SHA-256 of the canonical record, in hexadecimal digits. */
  readonly entry: string;
  readonly columns: ReadonlyMap<string, Column>;
}

/** Decode a canonical record of a log. Throws VerificationError if it is none of this log's stream. */
export async function readRecord(record: Uint8Array, origin: string, leafIndex: bigint): Promise<ReadRecord> {
  const stream = streamOf(origin);
  const version = versionOf(record);
  const entry = hexOf(await sha256(record));
  return { origin, stream, leafIndex, version, entry, columns: decodeRecord(record, stream) };
}

/** The members of record.json. */
export function readableOf(record: ReadRecord): Map<string, Json> {
  const members = new Map<string, Json>([
    ["Origin", record.origin],
    ["LeafIndex", record.leafIndex],
    ["CanonicalVersion", BigInt(record.version)],
    ["Entry", record.entry],
  ]);
  for (const [name, { kind, value }] of record.columns) members.set(name, readableValue(kind, value));
  return members;
}

/** The value of a column as record.json has it. */
function readableValue(kind: Kind, value: Value): Json {
  if (kind.endsWith("[]")) return (value as Value[]).map((each) => readableValue(kind.slice(0, -2) as Kind, each));
  if (kind === "map") return readablePairs(value as Pairs);
  if (kind === "text") return readableText(value as Uint8Array);
  if (kind !== "time") return value as bigint;
  const nanos = value as bigint;
  return new Map<string, Json>([
    ["time", timeText(nanos)],
    ["unix_nanos", nanos],
  ]);
}

/** A text; if it is not UTF-8, an object with its base64. */
export function readableText(raw: Uint8Array): Json {
  return textOf(raw) ?? new Map([["base64", base64Of(raw)]]);
}

/** An object; if a key occurs twice or is not UTF-8, a list of pairs. */
function readablePairs(pairs: Pairs): Json {
  const found = pairs.map(([key, value]) => [readableText(key), readableText(value)] as const);
  const byKey = new Map<string, Json>();
  for (const [key, value] of found) if (typeof key === "string") byKey.set(key, value);
  return byKey.size === found.length ? byKey : found.map((pair) => [...pair]);
}

/** A time by RFC 3339, with nanoseconds. */
export function timeText(nanos: bigint): string {
  const rest = ((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return `${secondsText((nanos - rest) / 1_000_000_000n)}.${String(rest).padStart(9, "0")}Z`;
}

/** The time of a cosignature, in seconds since 1970; beyond the year 9999 it is a number. */
export function cosignedText(seconds: bigint): string {
  return seconds < 253_402_300_800n ? `${secondsText(seconds)}.000000000Z` : `${seconds} seconds after 1970`;
}

function secondsText(seconds: bigint): string {
  return new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
}

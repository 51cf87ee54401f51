/** Statements of logs (docs/evidence.md, "Statement"): a checkpoint with one more line, signed by the log's owner. */

import { shownDuration } from "../common/time";
import { parseCheckpoint } from "../proof/checkpoint";

const NANOS = 1_000_000_000n;

/** The line of a statement, in parts. */
export interface Said {
  readonly number: bigint;
  /** Time of the signature, in nanoseconds since 1970. */
  readonly signedAt: bigint;
  /** heartbeat, keys, retention, witnessed or timestamped. */
  readonly kind: string;
  readonly words: readonly string[];
  /** Number of entries in the log. */
  readonly size: bigint;
}

/** The kinds of statements, with what each says. */
export const KINDS: Record<string, string> = {
  heartbeat: "the log was in this state at this time",
  keys: "the keys that sign changed",
  retention: "records may be dropped once they are older",
  witnessed: "witnesses cosigned the checkpoint",
  timestamped: "a timestamp authority timestamped the checkpoint",
};

/** Parse a statement; no signature is checked. Undefined if the note is none. */
export function saidIn(note: string): Said | undefined {
  try {
    const { extension, size } = parseCheckpoint(note, "the statement");
    const [, number = "", seconds = "", kind = "", words = ""] =
      /^lognotary\/v1 (\d{1,18}) (\d{1,18}) ([a-z]+)((?: [^ \n]+)*)\n$/.exec(extension) ?? [];
    if (!kind) return undefined;
    return { number: BigInt(number), signedAt: BigInt(seconds) * NANOS, kind, words: words.split(" ").slice(1), size };
  } catch {
    return undefined;
  }
}

/** A sentence on what a statement says beyond its kind. */
export function sentenceOf({ kind, words }: Said): string {
  if (kind === "keys") return keysSentence(words);
  if (kind === "retention") return retentionSentence(words);
  if (kind === "heartbeat") return boundSentence(words);
  return words[0] ? `SHA-256 of the data ${words[0].slice(0, 16)}…` : "";
}

function keysSentence(words: readonly string[]): string {
  const at = words.indexOf("after");
  const listed = (keys: readonly string[]) => keys.map((key) => key.split("+").slice(0, 2).join("+")).join(", ");
  return `from this size on ${listed(words.slice(0, at))} sign in place of ${listed(words.slice(at + 1))}`;
}

function retentionSentence([age = "", ...rest]: readonly string[]): string {
  if (age === "forever") return "records are kept forever";
  if (age === "1") return "all that the log had may be gone: the data of its tenant were dropped";
  const rules = rest.some((word) => /^[0-9a-f]{64}$/.test(word)) ? ", by rules in the data" : "";
  return `records may be dropped after ${shownDuration(BigInt(age) * NANOS)}${rules}`;
}

function boundSentence([entry, seconds]: readonly string[]): string {
  if (entry === undefined || seconds === undefined || !/^\d{1,12}$/.test(seconds)) return "";
  const time = new Date(Number(seconds) * 1000).toISOString().slice(0, 16).replace("T", " ");
  return `entries from ${entry} on were received at ${time} UTC or later`;
}

/** Statements of a log about its keys: checkpoints with one more line (docs/evidence.md). */
import { type Checkpoint, parseCheckpoint } from "./checkpoint";
import { malformed } from "./errors";
import { COSIGNATURE, type Key, parseVerifierKey } from "./keys";

const KEYS = /^lognotary\/v1 ([1-9][0-9]{0,17}) (?:0|[1-9][0-9]{0,17}) keys ([^\n]+)\n$/;

/** A statement that the keys `after` sign from this size of the log on, and those `before` did so far. */
export interface KeyChange {
  readonly checkpoint: Checkpoint;
  readonly number: bigint;
  readonly before: readonly Key[];
  readonly after: readonly Key[];
}

/** Parse a key change; no signature is checked. Throws VerificationError if `where` is none. */
export async function parseKeyChange(note: string, where: string): Promise<KeyChange> {
  const checkpoint = parseCheckpoint(note, where);
  const [, number, words] = KEYS.exec(checkpoint.extension) ?? [];
  if (number === undefined || words === undefined) {
    throw malformed(`${where} is not a statement 'lognotary/v1 NUMBER TIME keys KEY... after KEY...'`);
  }
  const [after = "", before = ""] = partition(words, " after ");
  const sides = await Promise.all(
    [before, after].map((side) => Promise.all(partition(side, " ").map(parseVerifierKey))),
  );
  const isOfLog = (key: Key) => key.name === checkpoint.origin && key.type !== COSIGNATURE;
  if (!sides.flat().every(isOfLog)) throw malformed(`${where} names keys of another log or of a witness`);
  return { checkpoint, number: BigInt(number), before: sides[0] ?? [], after: sides[1] ?? [] };
}

/** A text in two at the first separator; in one if there is none. */
function partition(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

/** Checkpoints of logs (C2SP tlog-checkpoint), as signed notes. */
import { fromBase64 } from "./bytes";
import { malformed } from "./errors";
import { isKeyName, type Note, parseNote } from "./note";

/** A number as the formats write it: decimal, without leading zeros, below 10^18. */
export const NUMBER = /^(?:0|[1-9][0-9]{0,17})$/;
/** 32 bytes in canonical base64: of the last digit, 4 bits count. */
export const HASH = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/** A checkpoint. `extension` has the lines after the root hash, each with its newline. */
export interface Checkpoint extends Note {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Uint8Array;
  readonly extension: string;
}

/** Parse a signed checkpoint; no signature is checked. Throws VerificationError if `where` is none. */
export function parseCheckpoint(note: string, where: string): Checkpoint {
  const { text, signatures } = parseNote(note, where);
  const [origin = "", size = "", root = "", ...lines] = text.slice(0, -1).split("\n");
  if (!isKeyName(origin) || !NUMBER.test(size) || !HASH.test(root) || lines.includes("")) {
    throw malformed(`${where} is not a signed checkpoint`);
  }
  const extension = lines.map((line) => `${line}\n`).join("");
  return { text, signatures, origin, size: BigInt(size), root: fromBase64(root, "a root hash"), extension };
}

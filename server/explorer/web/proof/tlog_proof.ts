/** Proofs that an entry is in a log, as text (C2SP tlog-proof). */
import { fromBase64 } from "./bytes";
import { type Checkpoint, HASH, NUMBER, parseCheckpoint } from "./checkpoint";
import { malformed } from "./errors";

const VERSION = "c2sp.org/tlog-proof@v1";
const MOST_HASHES = 63; // of a tree of less than 2^63 leaves

/** A proof that is not checked yet. `path` has the leaf's sibling first. */
export interface TlogProof {
  readonly index: bigint;
  readonly path: readonly Uint8Array[];
  readonly checkpoint: Checkpoint;
}

/** Parse a proof. Throws VerificationError if `where` is none. */
export function parseTlogProof(text: string, where: string): TlogProof {
  const end = text.indexOf("\n\n");
  const [version, ...lines] = text.slice(0, Math.max(end, 0)).split("\n");
  if (lines[0] !== undefined && /^extra [A-Za-z0-9+/=]+$/.test(lines[0])) lines.shift();
  const index = lines.shift() ?? "";
  const isProof =
    version === VERSION &&
    index.startsWith("index ") &&
    NUMBER.test(index.slice(6)) &&
    lines.length <= MOST_HASHES &&
    lines.every((line) => HASH.test(line));
  if (!isProof) throw malformed(`${where} is not a ${VERSION}`);
  return {
    index: BigInt(index.slice(6)),
    path: lines.map((line) => fromBase64(line, "a hash")),
    checkpoint: parseCheckpoint(text.slice(end + 2), where),
  };
}

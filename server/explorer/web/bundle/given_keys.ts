/** The keys that the reader gave: those of the log's owner, and those of witnesses. */
import { malformed } from "../proof/errors";
import { COSIGNATURE, type Key, ML_DSA_44, parseKeys, parsePem, refusePrivate } from "../proof/keys";

/** Keys to believe. */
export interface GivenKeys {
  /** Keys of the log. */
  readonly keys: readonly Key[];
  /** Keys of witnesses that have to have cosigned the checkpoint. */
  readonly witnesses: readonly Key[];
}

export const NO_KEYS: GivenKeys = { keys: [], witnesses: [] };

const PEM = /-----BEGIN [A-Z0-9 ]+-----[^-]*-----END [A-Z0-9 ]+-----/g;

/**
 * Read keys as people paste them: PEM files and verifier keys, one a line, in any order. Lines that begin with `#` are
 * comments. A key of ML-DSA-44 is one of the log if it has the log's name, else one of a witness.
 *
 * Throws VerificationError if one is malformed, or one of another log.
 *
 * @param origin the log's name; undefined if it is not known, because the bundle is damaged
 */
export async function readGivenKeys(text: string, origin: string | undefined): Promise<GivenKeys> {
  refusePrivate(text);
  const keys: Key[] = [];
  for (const [block] of text.matchAll(PEM)) keys.push(await parsePem(block));
  const rest = text.replace(PEM, "\n");
  const lines = rest.split(/[\r\n]+/).filter((line) => line.trim() && !line.trim().startsWith("#"));
  if (lines.length) keys.push(...(await parseKeys(lines.join("\n"))));
  const isWitness = ({ name, type }: Key) =>
    type === COSIGNATURE || (type === ML_DSA_44 && name !== "" && name !== origin);
  const own = keys.filter((key) => !isWitness(key));
  const other = own.find(({ name }) => name !== "" && origin !== undefined && name !== origin);
  if (other && own.every(({ name }) => name !== "" && name !== origin)) {
    throw malformed(`this is a key of the log ${other.name}, and the bundle is of ${origin}`);
  }
  return { keys: own, witnesses: keys.filter(isWitness) };
}
